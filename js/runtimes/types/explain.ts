// What is found out of an answer.

import { createFetch } from "xacct-sign";
import { explain, type Finding, type FindingCode } from "xacct-sign/explain";

export async function reasons(): Promise<FindingCode[]> {
  const api = createFetch({ roleArn: "arn:aws:iam::000000000000:role/Api", region: "us-east-1" });
  const findings: Finding[] = await explain(await api("https://api.example.com/"));
  return findings.filter(({ side }) => side !== "aws").map(({ code, reason, hint }) => (reason && hint ? code : code));
}
