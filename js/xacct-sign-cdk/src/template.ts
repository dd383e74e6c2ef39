// Resources as the app has set them, and as they will be in the template.

import { type CfnResource, Stack } from "aws-cdk-lib";

/**
 * When the app is looked at: while it is built, by the properties of the resources; when it is synthesized, as they will be
 * in the template, with overrides.
 */
export type When = "now" | "synthesis";

export type Properties = Readonly<Record<string, unknown>>;

/** A resource's properties, by the names that they have in a template. */
export function propertiesOf(resource: CfnResource, names: readonly string[], when: When): Properties {
  return when === "now" ? fieldsOf(resource, names) : (rendered(resource).Properties ?? {});
}

/** The same as they were set. */
export function fieldsOf(resource: CfnResource, names: readonly string[]): Properties {
  const fields = resource as unknown as Properties;
  // A resource without a class of its own has its properties here.
  const { _cfnProperties: others = {} } = fields as { _cfnProperties?: Properties };
  const field = (name: string) => fields[name.charAt(0).toLowerCase() + name.slice(1)] ?? others[name];
  return Object.fromEntries(names.map((name) => [name, field(name)]));
}

/** A resource as in the template, with what `addOverride` has changed, which no public method shows. */
export function rendered(resource: CfnResource): { readonly Type?: string; readonly Properties?: Properties } {
  const template = (resource as unknown as { _toCloudFormation(): unknown })._toCloudFormation();
  const { Resources = {} } = Stack.of(resource).resolve(template) as {
    Resources?: Record<string, { Type?: string; Properties?: Properties }>;
  };
  return Object.values(Resources)[0] ?? {};
}
