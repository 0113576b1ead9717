import { useMemo, type ComponentProps } from "react";

import type { ModelName } from "../../server";
import { useModels } from "../../server/models";
import { Combobox } from "./Combobox";
import type { Offer } from "./offer";

interface ModelFieldProps extends Omit<ComponentProps<typeof Combobox>, "offers"> {
  /** Which models fit: `base`, `controlnet`, `lora`, … */
  readonly list: string;
}

/** The name of a model: those that are here are offered, any other can be typed. */
export function ModelField({ list, ...rest }: ModelFieldProps) {
  const models = useModels(list);
  const offers = useMemo(() => models.map(offerOf), [models]);
  return <Combobox {...rest} offers={offers} />;
}

function offerOf({ name, family, built_in: builtIn }: ModelName): Offer {
  const hints = [family === name ? null : family, builtIn ? "built in" : "downloaded"];
  return { name, hint: hints.filter(Boolean).join(" · ") };
}
