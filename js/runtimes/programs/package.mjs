export * from "xacct-sign";
