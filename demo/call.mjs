// The caller in Node. As in a Lambda function, its role's credentials are in the environment.

import { createFetch } from "xacct-sign";

const { API_ROLE_ARN, API_REGION, API_URL } = process.env;
const api = createFetch({ roleArn: API_ROLE_ARN, region: API_REGION });
const answer = await api(`${API_URL}/hoge`, {
  method: "PUT",
  headers: { "content-type": "application/json" },
  body: JSON.stringify({ foo: "bar" }),
});
console.log(JSON.stringify({ status: answer.status, seen: await answer.json() }));
