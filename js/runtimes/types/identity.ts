// Who calls, for servers without API Gateway.

import { createFetch, type XacctSignEvent } from "xacct-sign";
import { type Identity, type IdentityTokenOptions, identityProof, identityToken } from "xacct-sign/identity";

const options: IdentityTokenOptions = { audience: "https://api.example.com", region: "us-east-1", algorithm: "RS256" };

export async function status(): Promise<number> {
  const identities: Identity[] = [identityToken(options), identityProof({ audience: "a", region: "us-east-1" })];
  const api = createFetch({ identity: identities[0], identityHeader: "x-caller", onEvent });
  return (await api("https://api.example.com/")).status + (await identityToken(options)()).length;
}

function onEvent(event: XacctSignEvent): string {
  return event.type === "token_made" || event.type === "token_failed" ? event.audience : "";
}
