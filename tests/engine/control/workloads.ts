/** Flow YAML of workloads for tests. */
export function podYaml(
  name: string,
  { image = 'nginx', container = '', spec = '', labels = '{}' } = {},
): string {
  return `{apiVersion: v1, kind: Pod, metadata: {name: ${name}, labels: ${labels}}, spec: {${spec && `${spec}, `}containers: [{name: c, image: ${image}${container && `, ${container}`}}]}}`;
}

export function template(app: string, { image = 'nginx', container = '', spec = '' } = {}): string {
  return `template: {metadata: {labels: {app: ${app}}}, spec: {${spec && `${spec}, `}containers: [{name: c, image: ${image}${container && `, ${container}`}}]}}`;
}

export function workload(
  kind: string,
  name: string,
  fields: string,
  options: { image?: string; container?: string; spec?: string } = {},
): string {
  return `{apiVersion: apps/v1, kind: ${kind}, metadata: {name: ${name}}, spec: {${fields && `${fields}, `}selector: {matchLabels: {app: ${name}}}, ${template(name, options)}}}`;
}
