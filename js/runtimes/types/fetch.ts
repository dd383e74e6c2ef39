// Where the runtime's types have `fetch`, ours is one, and Requests are those of the runtime.

import { createFetch, fromEnv, Signer } from "xacct-sign";

const api: typeof fetch = createFetch({ region: "us-east-1", credentials: fromEnv() });

export async function call(): Promise<number> {
  const signer = new Signer({ credentials: { accessKeyId: "A", secretAccessKey: "s" }, region: "us-east-1" });
  const signed: Request = await signer.signRequest(new Request("https://api.example.com/"));
  signer.sign("GET", new URL("https://api.example.com/"), { headers: new Headers({ a: "b" }) });
  const answers: Response[] = [
    await api(signed),
    await api(new URL("https://api.example.com/"), { method: "PUT", body: "a", signal: AbortSignal.timeout(1000) }),
    await createFetch({ region: "us-east-1", credentials: fromEnv(), fetch })("https://api.example.com/"),
    await createFetch({ region: "us-east-1", credentials: fromEnv(), baseUrl: new URL("https://api.example.com/v1") })(
      "a",
    ),
  ];
  return answers.length;
}
