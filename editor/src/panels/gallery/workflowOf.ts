import { ServerError } from "../../server";
import { assetPath, jobWorkflow } from "../../server/api";
import { ask } from "../../server/http";
import { carriedBy } from "../carried/carried";
import type { Origin } from "../host";
import type { Shown } from "./caption";

/** The workflow that made a picture: its job's, or, where that is gone, the one that it carries. */
export async function workflowOf({ job, asset, title }: Shown): Promise<[unknown, Origin]> {
  try {
    return [await jobWorkflow(job), { kind: "job", job, title }];
  } catch (error) {
    if (!(error instanceof ServerError && error.status === 404)) throw error;
  }
  const file = await (await ask(assetPath(asset))).blob();
  const carried = await carriedBy(new File([file], title || "This picture"));
  if (carried.kind !== "workflow") throw new Error(carried.why);
  return [carried.document, { kind: "file", file: asset }];
}
