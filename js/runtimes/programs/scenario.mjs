/**
 * What every runtime does: it assumes a role at the emulator's STS and PUTs a document, in each way there is; then PUTs one
 * that is changed after it was signed.
 *
 * @param {typeof import("xacct-sign")} xacct
 * @param {any} input
 */
export async function scenario({ assumeRole, createFetch, Signer, XacctSignError }, input) {
  const { url, region, roleArn, stsEndpoint, base, sessionName } = input;
  const credentials = assumeRole({ roleArn, region, stsEndpoint, base, sessionName });
  const put = { method: "PUT", headers: { "content-type": "application/json" }, body: JSON.stringify({ foo: "bär" }) };

  const api = createFetch({ credentials, region });
  const answer = await api(`${url}/hoge?b=x y&a=1`, put);

  const form = new FormData();
  form.set("file", new Blob([new Uint8Array(20_000)]), "zeros");
  const signer = new Signer({ credentials: await credentials(), region });
  const signed = { headers: put.headers, body: put.body };
  const others = [
    await api(new Request(`${url}/hoge`, put)),
    await api(`${url}/hoge`, { method: "POST", body: form }),
    await fetch(await signer.signRequest(new Request(`${url}/hoge`, put))),
    await fetch(`${url}/hoge`, {
      ...put,
      headers: { ...put.headers, ...signer.sign(put.method, `${url}/hoge`, signed) },
    }),
    await fetch(signer.presign("GET", `${url}/hoge`)),
  ];

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
    others: await Promise.all(others.map(statusOf)),
    refused: {
      status: refused.status,
      text: await refused.text(),
      reason: refused.headers.get("x-xacct-reason")?.split(":")[0],
    },
    error,
  };
}

/** The status of an answer that is read to its end: a process waits for what is left unread. */
async function statusOf(answer) {
  await answer.text();
  return answer.status;
}
