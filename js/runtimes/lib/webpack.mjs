import webpack from "webpack";

/**
 * Builds, and takes no warning.
 *
 * @param {import("webpack").Configuration} configuration
 */
export async function byWebpack(configuration) {
  const stats = await new Promise((fulfil, reject) => {
    webpack({ mode: "production", ...configuration }, (error, result) => (error ? reject(error) : fulfil(result)));
  });
  const { errors, warnings } = stats.toJson({ all: false, errors: true, warnings: true });
  if (errors.length + warnings.length > 0) throw new Error(JSON.stringify([...errors, ...warnings]));
}
