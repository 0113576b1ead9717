import { useStore } from "zustand";

import { Alert } from "../ui/Alert";
import { Picture } from "../ui/Picture";
import { api, runs, useNodePreviews } from "../server";
import type { Kind } from "../graph";
import { look } from "./looking";
import { useFreshRun } from "./lastRun";
import { scrollsItself } from "./wheel";

interface StripProps {
  readonly node: string;
  readonly kind: Kind | undefined;
}

/** What a node shows: the preview while it works, then its pictures, in a box that never jumps. */
export function Strip({ node, kind }: StripProps) {
  const previews = Object.entries(useNodePreviews(node) ?? {});
  const fresh = useFreshRun(node);
  const run = useStore(runs, (state) => state.run.nodes[node]);
  const pictures = picturesOf(run?.pictures ?? {}, kind);
  const failed = fresh?.phase === "failed" ? fresh.message : null;
  const old = fresh === undefined || fresh.old;
  return (
    <>
      <Alert className="card-note">{failed}</Alert>
      {previews.length > 0 ? (
        <ul className={`strip ${previews.length > 1 ? "several" : ""}`}>
          {previews.map(([item, url]) => (
            <li key={item}>
              <img className="picture" src={url} alt={`Preview of ${node}`} draggable={false} />
            </li>
          ))}
        </ul>
      ) : (
        pictures.length > 0 && <Pictures node={node} pictures={pictures} old={old} />
      )}
    </>
  );
}

interface PicturesProps {
  readonly node: string;
  readonly pictures: readonly string[];
  /** The node was changed since it made them, or has not made new ones yet. */
  readonly old: boolean;
}

function Pictures({ node, pictures, old }: PicturesProps) {
  const classes = ["strip", pictures.length > 1 && "several", old && "old"].filter(Boolean);
  return (
    <ul
      className={classes.join(" ")}
      onWheelCapture={scrollsItself}
      aria-label={old ? `Old pictures of ${node}` : `Pictures of ${node}`}
      title={old ? "Of an earlier run: what the node is now has not made these" : undefined}
    >
      {pictures.map((asset, index) => (
        <li key={`${index} ${asset}`}>
          <button
            type="button"
            className="nodrag"
            aria-label={`Look at picture ${index + 1} of ${node}`}
            onClick={() => look(node, pictures, index)}
          >
            <Picture path={api.assetPath(asset)} alt={`${node}, item ${index + 1}`} />
          </button>
        </li>
      ))}
    </ul>
  );
}

/** The pictures of the first output that has any. */
function picturesOf(
  pictures: Readonly<Record<string, readonly string[]>>,
  kind: Kind | undefined,
): readonly string[] {
  const names = [...Object.keys(kind?.outputs ?? {}), ...Object.keys(pictures)];
  return names.map((name) => pictures[name] ?? []).find((assets) => assets.length > 0) ?? [];
}
