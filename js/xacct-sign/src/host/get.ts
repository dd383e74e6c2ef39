import { ANSWER_LIMIT, HINT } from "../../wasm/constants.js";
import { XacctSignError } from "../errors.js";
import { builtin } from "./node.js";

/** What is used of `node:http` and `node:https`. */
interface NodeHttp {
  Agent: new () => object;
  request(url: URL, options: object, answered: (response: Incoming) => void): Outgoing;
}

interface Outgoing {
  on(event: "error" | "close", listener: (error: Error) => void): void;
  destroy(error: Error): void;
  end(): void;
}

interface Incoming {
  readonly statusCode?: number;
  setEncoding(encoding: "utf8"): void;
  on(event: "data" | "end" | "error", listener: (given: never) => void): void;
}

/**
 * A GET by Node's own client rather than by `fetch`: through no proxy, whatever the environment says, and after no redirect.
 * It rejects with what Node says, with `timeout` and with `response_too_large`.
 */
export async function getDirectly(
  url: URL,
  headers: Record<string, string>,
  seconds: number,
): Promise<{ status: number; text: string }> {
  const http = builtin<NodeHttp>(url.protocol === "https:" ? "node:https" : "node:http");
  if (http === undefined) throw new Error("the runtime has no `node:http`");
  return new Promise((fulfil, reject) => {
    // An agent of its own: the global one may have been given a proxy.
    const request = http.request(url, { agent: new http.Agent(), headers }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (part: string) => {
        text += part;
        if (text.length <= ANSWER_LIMIT) return;
        const message = `an answer of more than ${ANSWER_LIMIT} characters`;
        request.destroy(new XacctSignError("response_too_large", message, { hint: HINT.invalid_response }));
      });
      response.on("end", () => fulfil({ status: response.statusCode ?? 0, text }));
      response.on("error", reject);
    });
    const late = () => {
      request.destroy(new XacctSignError("timeout", `no answer in ${seconds} seconds`, { retryable: true }));
    };
    const timer = setTimeout(late, seconds * 1000);
    request.on("error", reject);
    request.on("close", () => clearTimeout(timer));
    request.end();
  });
}
