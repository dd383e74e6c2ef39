// The entry that takes the module from its caller.

import { assumeRole, init } from "xacct-sign/slim";

init(new Uint8Array());
assumeRole({ roleArn: "arn:aws:iam::000000000000:role/Api", region: "us-east-1" });
