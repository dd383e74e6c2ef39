// The hooks of test runners.

import type { Emulator } from "xacct-sign-emulator";
import { useEmulator as ofJest } from "xacct-sign-emulator/jest";
import { useEmulator as ofNode } from "xacct-sign-emulator/node-test";
import { useEmulator as ofVitest } from "xacct-sign-emulator/vitest";

const manifest = new URL("https://example.com/xacct.toml");
export const emulators: Emulator[] = [ofJest, ofNode, ofVitest].map((use) => use({ manifest, explain: true }));
