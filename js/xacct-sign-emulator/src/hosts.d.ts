/** What is used of Jest, which is there where a test of Jest's runs. */
declare module "@jest/globals" {
  export function beforeAll(hook: () => Promise<void>): void;
  export function afterAll(hook: () => Promise<void>): void;
  export function beforeEach(hook: () => void): void;
  export function afterEach(hook: () => void): void;
}
