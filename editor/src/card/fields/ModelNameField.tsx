import { ModelField } from "../../ui/combobox/ModelField";
import { attributes, type FieldProps } from "./fieldProps";
import { useTyped } from "../../ui/useField";

/** The name of a model, on a node. */
export function ModelNameField({ models, ...props }: FieldProps & { readonly models: string }) {
  const typed = useTyped(typeof props.value === "string" ? props.value : "", props.commit);
  return (
    <ModelField
      list={models}
      attributes={{ ...attributes(props), className: "nodrag", title: typed.value }}
      value={typed.value}
      onType={typed.type}
      onChoose={typed.put}
      onKey={typed.hear}
      onLeave={typed.leave}
    />
  );
}
