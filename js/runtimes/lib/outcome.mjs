// What every runtime's call has to come to.

import assert from "node:assert/strict";

/**
 * The signed call came through as the assumed role, in this session; the one changed on its way did not.
 *
 * @param {any} outcome
 * @param {string} sessionName
 */
export function assertOutcome(outcome, sessionName) {
  assert.equal(outcome.status, 200, JSON.stringify(outcome));
  const { method, path, query, body, requestContext } = outcome.seen;
  assert.deepEqual({ method, path, query }, { method: "PUT", path: "/hoge", query: "a=1&b=x%20y" });
  assert.deepEqual(JSON.parse(body), { foo: "bär" });
  assert.equal(
    requestContext.authorizer.iam.userArn,
    `arn:aws:sts::111111111111:assumed-role/ApiAllowByIamRoleStag/${sessionName}`,
  );
  assert.deepEqual(outcome.others, [200, 200, 200, 200, 200]);
  assert.deepEqual(outcome.refused, {
    status: 403,
    text: '{"message":"Forbidden"}',
    reason: "signature_mismatch",
  });
  assert.equal(outcome.error, "invalid_url");
}
