/**
 * What every runtime does: it assumes a role at the emulator's STS and PUTs a document; then PUTs one that is changed
 * after it was signed.
 *
 * @param {typeof import("xacct-sign")} xacct
 * @param {any} input
 */
export async function scenario({ assumeRole, createFetch, XacctSignError }, input) {
  const { url, region, roleArn, stsEndpoint, base, sessionName } = input;
  const credentials = assumeRole({ roleArn, region, stsEndpoint, base, sessionName });
  const put = { method: "PUT", headers: { "content-type": "application/json" }, body: JSON.stringify({ foo: "bär" }) };

  const api = createFetch({ credentials, region });
  const answer = await api(`${url}/hoge?b=x y&a=1`, put);

  const forge = (to, init) => fetch(to, { ...init, body: JSON.stringify({ foo: "baz" }) });
  const refused = await createFetch({ credentials, region, fetch: forge })(`${url}/hoge`, put);

  let error = "none";
  try {
    await api("http://[/", put);
  } catch (thrown) {
    error = thrown instanceof XacctSignError ? thrown.code : String(thrown);
  }
  return {
    status: answer.status,
    seen: await answer.json(),
    refused: {
      status: refused.status,
      text: await refused.text(),
      reason: refused.headers.get("x-xacct-reason")?.split(":")[0],
    },
    error,
  };
}
