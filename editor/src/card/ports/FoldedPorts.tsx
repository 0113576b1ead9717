import { own, type Kind } from "../../graph";
import { PortDot } from "./PortDot";

interface FoldedPortsProps {
  readonly node: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly kind: Kind | undefined;
}

/** The ports of a folded node: all at its two sides, so that wires still end somewhere. */
export function FoldedPorts({ node, inputs, outputs, kind }: FoldedPortsProps) {
  return (
    <div className="folded-ports">
      {inputs.map((name) => (
        <PortDot
          key={name}
          node={node}
          side="in"
          port={name}
          described={own(kind?.inputs ?? {}, name)}
          linked
        />
      ))}
      {outputs.map((name) => (
        <PortDot
          key={name}
          node={node}
          side="out"
          port={name}
          described={own(kind?.outputs ?? {}, name)}
          linked={false}
        />
      ))}
    </div>
  );
}
