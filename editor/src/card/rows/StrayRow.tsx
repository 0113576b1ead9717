import { addresses, edit, own, present, setValue, useEditor, type Link } from "../../graph";
import { useProblems } from "../marks";
import { PortDot } from "../ports/PortDot";

/** What is given to a node that its kind has no input for. */
export function StrayRow({ node, name, link }: { node: string; name: string; link: Link | undefined }) {
  const problems = useProblems(node, name);
  const value = useEditor((state) => own(own(present(state).nodes, node)?.values ?? {}, name));
  const remove = () => edit(`remove ${node}.${name}`, (workflow) => setValue(workflow, node, name, undefined));
  return (
    <div className="row wrong">
      <PortDot node={node} side="in" port={name} described={undefined} linked={link !== undefined} />
      <span className="row-name">{name}</span>
      {link !== undefined ? (
        <span className="row-type">{addresses(link).join(", ")}</span>
      ) : (
        <span className="row-type">
          {JSON.stringify(value)}
          <button type="button" className="icon nodrag" aria-label={`Remove ${name}`} onClick={remove}>
            ×
          </button>
        </span>
      )}
      {problems.length > 0 && <span className="row-problem">{problems.join("; ")}</span>}
    </div>
  );
}
