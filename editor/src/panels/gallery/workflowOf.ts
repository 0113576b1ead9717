import { assetPath, jobWorkflow } from "../../server/api";
import { ask } from "../../server/http";
import { jobs } from "../../server/jobs";
import { type Carried, carriedBy } from "../carried/carried";
import type { Origin } from "../host";
import type { Shown } from "./caption";

/** The workflow that made a picture: its job's or, of a job that may be gone, the one it carries. */
export async function workflowOf(picture: Shown): Promise<[unknown, Origin]> {
  const { job, title } = picture;
  if (!jobs.getState().jobs[job]) {
    const carried = await carriedIn(picture);
    if (carried.kind === "workflow") return [carried.document, { kind: "file", file: picture.asset }];
  }
  return [await jobWorkflow(job), { kind: "job", job, title }];
}

async function carriedIn({ asset, title }: Shown): Promise<Carried> {
  const file = await (await ask(assetPath(asset))).blob();
  return carriedBy(new File([file], title || "This picture"));
}
