import { useMemo, type ComponentProps } from "react";

import type { ModelName } from "../../server";
import { loadModels, useModels } from "../../server/models";
import { Combobox } from "./Combobox";
import type { Offer } from "./offer";

interface ModelFieldProps extends Omit<ComponentProps<typeof Combobox>, "offers" | "unfit" | "onOpen"> {
  /** Which models fit: `base`, `controlnet`, `lora`, … */
  readonly list: string;
}

/** The name of a model: those that are here and fit are offered, any other can be typed. */
export function ModelField({ list, ...rest }: ModelFieldProps) {
  const models = useModels(list);
  const offers = useMemo(() => models.filter(({ unfit }) => !unfit).map(offerOf), [models]);
  const unfit = useMemo(() => models.filter((model) => model.unfit).map(refusalOf), [models]);
  return <Combobox {...rest} offers={offers} unfit={unfit} onOpen={() => void loadModels()} />;
}

/** Where a model is: only what came from the hub, as a whole, was downloaded. */
const SOURCES: Readonly<Record<ModelName["source"], string>> = {
  package: "built in",
  hub: "downloaded",
  partly: "partly downloaded",
  folder: "in a model folder",
};

export function offerOf({ name, family, source }: ModelName): Offer {
  const hints = [family === name ? null : family, SOURCES[source]];
  return { name, hint: hints.filter(Boolean).join(" · ") };
}

function refusalOf({ name, unfit }: ModelName): Offer {
  return { name, hint: unfit };
}
