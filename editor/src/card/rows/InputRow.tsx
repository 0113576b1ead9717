import { memo, useId } from "react";

import {
  edit,
  paramAt,
  present,
  setValue,
  takesSeveral,
  typeName,
  useEditor,
  type Input,
  type Json,
  type Link,
} from "../../graph";
import { openMenu, openMenuBelow } from "../../ui/menu/menu";
import { useProblems } from "../marks";
import { ListField } from "../fields/ListField";
import { ValueField } from "../fields/ValueField";
import { emptyValue } from "../fields/values";
import { widgetFor, type Widget } from "../fields/widgets";
import { PortDot } from "../ports/PortDot";
import { inputMenu } from "../ports/portMenus";
import { LinkList } from "./LinkList";

interface InputRowProps {
  readonly node: string;
  readonly name: string;
  readonly input: Input;
  readonly link: Link | undefined;
  readonly value: Json | undefined;
}

/** One input: its port, its name, and its value, or where it comes from. */
export const InputRow = memo(function InputRow(props: InputRowProps) {
  const { node, name, input, link, value } = props;
  const problems = useProblems(node, name);
  const exposed = useEditor((state) => paramAt(present(state), `${node}.${name}`) !== undefined);
  const problemId = useId();
  const title = input.title ?? name;
  const widget = widgetFor(name, input);
  const several = takesSeveral(input) || Array.isArray(value);
  const filled = Array.isArray(value ?? input.default) && ((value ?? input.default) as Json[]).length > 0;
  const wide = link === undefined && widget.kind !== "wire" && (several ? filled : isLong(widget));
  const classes = ["row", wide ? "wide" : "", problems.length ? "wrong" : ""];
  return (
    <div
      className={classes.filter(Boolean).join(" ")}
      onContextMenu={(event) => openMenu(event, inputMenu(node, name, input))}
    >
      <PortDot node={node} side="in" port={name} described={input} linked={link !== undefined} />
      <button
        type="button"
        className="row-name"
        title={input.description ?? typeName(input)}
        aria-label={`${title}${exposed ? ", on the form" : ""}: what can be done with it`}
        aria-haspopup="menu"
        onClick={(event) => openMenuBelow(event.currentTarget, inputMenu(node, name, input))}
      >
        {title}
        {exposed && <span className="exposed" title="On the form" />}
      </button>
      {link !== undefined ? (
        <LinkList node={node} name={name} input={input} link={link} />
      ) : widget.kind === "wire" ? (
        <span className="row-type">{typeName(input)}</span>
      ) : (
        <RowValue {...props} widget={widget} several={several} wrong={problems.length > 0} problemId={problemId} />
      )}
      {problems.length > 0 && (
        <span className="row-problem" id={problemId}>
          {problems.join("; ")}
        </span>
      )}
    </div>
  );
});

function isLong(widget: Widget): boolean {
  return widget.kind === "text" && widget.long;
}

interface RowValueProps extends InputRowProps {
  readonly widget: Widget;
  readonly several: boolean;
  readonly wrong: boolean;
  readonly problemId: string;
}

function RowValue({ node, name, input, value, widget, several, wrong, problemId }: RowValueProps) {
  const id = useId();
  const shown = value ?? input.default;
  const commit = (next: Json | undefined, typing?: string) =>
    edit(`set ${node}.${name}`, (workflow) => setValue(workflow, node, name, next, input), typing, Infinity);
  const field = {
    id,
    label: input.title ?? name,
    wrong,
    describedBy: wrong ? problemId : undefined,
    widget,
  };
  if (several) {
    const values = Array.isArray(shown) ? (shown as readonly Json[]) : [];
    const single = takesSeveral(input) ? undefined : () => commit(values[0]);
    return (
      <ListField field={field} values={values} fresh={emptyValue(widget)} commit={commit} onOne={single} />
    );
  }
  return <ValueField {...field} value={shown} commit={commit} />;
}
