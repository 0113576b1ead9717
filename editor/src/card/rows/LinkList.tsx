import {
  addresses,
  disconnect,
  edit,
  kindsNow,
  moveWire,
  setOneOfEach,
  takesSeveral,
  type Input,
  type Link,
} from "../../graph";
import { SignButton } from "../../ui/SignButton";

interface LinkListProps {
  readonly node: string;
  readonly name: string;
  readonly input: Input;
  readonly link: Link;
}

/** Where an input comes from; several wires stand in their order, which can be changed. */
export function LinkList({ node, name, input, link }: LinkListProps) {
  const all = addresses(link);
  if (all.length === 1) {
    return (
      <span className="row-links one">
        {takesSeveral(input) && <OneOfEach node={node} name={name} each={Array.isArray(link)} />}
        <span className="row-source" title={all[0]}>
          {all[0]}
        </span>
      </span>
    );
  }
  return (
    <ol className="row-links" aria-label={`Wires into ${name}`}>
      {all.map((address, index) => (
        <li key={`${index} ${address}`}>
          <span className="row-source" title={address}>
            {address}
          </span>
          <SignButton
            sign="↑"
            label={`Move ${address} up`}
            disabled={index === 0}
            act={() => edit("order wires", (workflow) => moveWire(workflow, node, name, index, index - 1))}
          />
          <SignButton
            sign="↓"
            label={`Move ${address} down`}
            disabled={index === all.length - 1}
            act={() => edit("order wires", (workflow) => moveWire(workflow, node, name, index, index + 1))}
          />
          <SignButton
            sign="×"
            label={`Remove the wire from ${address}`}
            act={() => edit("remove wire", (workflow) => disconnect(workflow, node, name, index, kindsNow()))}
          />
        </li>
      ))}
    </ol>
  );
}

/** How the items of a single wire go into a list: all in one run, or one of them in each. */
function OneOfEach({ node, name, each }: { node: string; name: string; each: boolean }) {
  return (
    <button
      type="button"
      className="each nodrag"
      aria-pressed={each}
      title={
        each
          ? "Each run takes one item. Press to give all items to one run."
          : "One run takes all items. Press to give one item to each run."
      }
      onClick={() =>
        edit("change how items go in", (workflow) => setOneOfEach(workflow, node, name, !each))
      }
    >
      {each ? "one each" : "all"}
    </button>
  );
}
