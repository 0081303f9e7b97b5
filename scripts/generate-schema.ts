/**
 * Reduces Kubernetes' schemas, as the package kubernetes-models carries them, to the table in src/engine/api/schema.ts
 * and the texts in src/engine/shell/kubectl/descriptions.ts.
 * Run: node scripts/generate-schema.ts
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const modules = join(root, 'node_modules');
const target = join(root, 'src/engine/api/schema.ts');
const descriptionsTarget = join(root, 'src/engine/shell/kubectl/descriptions.ts');

/** The kinds whose fields are checked, by the module that declares them. */
const kinds = [
  'kubernetes-models/v1/Pod',
  'kubernetes-models/apps/v1/Deployment',
  'kubernetes-models/apps/v1/ReplicaSet',
  'kubernetes-models/apps/v1/StatefulSet',
  'kubernetes-models/apps/v1/DaemonSet',
  'kubernetes-models/batch/v1/Job',
  'kubernetes-models/v1/Service',
  'kubernetes-models/discovery.k8s.io/v1/EndpointSlice',
  'kubernetes-models/v1/Endpoints',
  'kubernetes-models/v1/Node',
  'kubernetes-models/v1/Namespace',
  'kubernetes-models/v1/ConfigMap',
  'kubernetes-models/v1/Secret',
  'kubernetes-models/v1/ServiceAccount',
  'kubernetes-models/networking.k8s.io/v1/NetworkPolicy',
  'kubernetes-models/networking.k8s.io/v1/Ingress',
  'kubernetes-models/networking.k8s.io/v1/IngressClass',
  'kubernetes-models/v1/Event',
];

/** Types that are a scalar on the wire. */
const scalars: Readonly<Record<string, string>> = {
  'api/resource/Quantity': 'q',
  'util/intstr/IntOrString': 'x',
  'apis/meta/v1/Time': 't',
  'apis/meta/v1/MicroTime': 't',
  'apis/meta/v1/FieldsV1': 'a',
  'runtime/RawExtension': 'a',
};

/** Not looked into: nobody writes them by hand, or nobody writes them any more (volumes of one vendor's), and they weigh. */
const opaque = new Set([
  ...['status', 'managedFields', 'configSource'],
  ...['awsElasticBlockStore', 'azureDisk', 'azureFile', 'cephfs', 'cinder', 'fc', 'flexVolume', 'flocker'],
  ...[
    'gcePersistentDisk',
    'gitRepo',
    'glusterfs',
    'iscsi',
    'photonPersistentDisk',
    'portworxVolume',
    'quobyte',
  ],
  ...['rbd', 'scaleIO', 'storageos', 'vsphereVolume'],
]);

/** Go has these as []byte, which OpenAPI calls a string. */
const bytes = new Set(['Secret.data', 'ConfigMap.binaryData']);

/**
 * The admin tiers are custom resources: sigs.k8s.io/network-policy-api, config/crd/experimental, v1alpha1.
 * What they require is written here too (`!`), since a CRD's schema is all the validation there is.
 */
const customResources = `
AdminNetworkPolicy|apiVersion:s,kind:s,metadata:ObjectMeta,spec!:AdminNetworkPolicySpec,status:a
AdminNetworkPolicySpec|egress:[]AdminNetworkPolicyEgressRule,ingress:[]AdminNetworkPolicyIngressRule,priority!:i,subject!:AdminNetworkPolicySubject
AdminNetworkPolicySubject|namespaces:LabelSelector,pods:NamespacedPod
NamespacedPod|namespaceSelector:LabelSelector,podSelector:LabelSelector
AdminNetworkPolicyIngressRule|action!:Allow/Deny/Pass,from!:[]AdminNetworkPolicyIngressPeer,name:s,ports:[]AdminNetworkPolicyPort
AdminNetworkPolicyEgressRule|action!:Allow/Deny/Pass,name:s,ports:[]AdminNetworkPolicyPort,to!:[]AdminNetworkPolicyEgressPeer
AdminNetworkPolicyIngressPeer|namespaces:LabelSelector,pods:NamespacedPod
AdminNetworkPolicyEgressPeer|domainNames:[]s,namespaces:LabelSelector,networks:[]s,nodes:LabelSelector,pods:NamespacedPod
AdminNetworkPolicyPort|namedPort:s,portNumber:Port,portRange:PortRange
Port|port!:i,protocol!:s
PortRange|end!:i,protocol:s,start!:i
BaselineAdminNetworkPolicy|apiVersion:s,kind:s,metadata:ObjectMeta,spec!:BaselineAdminNetworkPolicySpec,status:a
BaselineAdminNetworkPolicySpec|egress:[]BaselineAdminNetworkPolicyEgressRule,ingress:[]BaselineAdminNetworkPolicyIngressRule,subject!:AdminNetworkPolicySubject
BaselineAdminNetworkPolicyIngressRule|action!:Allow/Deny,from!:[]AdminNetworkPolicyIngressPeer,name:s,ports:[]AdminNetworkPolicyPort
BaselineAdminNetworkPolicyEgressRule|action!:Allow/Deny,name:s,ports:[]AdminNetworkPolicyPort,to!:[]AdminNetworkPolicyEgressPeer
`.trim();

const lines = new Map<string, { file: string; line: string }>();
const descriptions = new Map<string, string>();

function declarationOf(specifier: string, from: string): string {
  return specifier.startsWith('.')
    ? join(dirname(from), specifier.replace(/\.js$/, ''))
    : join(modules, specifier);
}

/** Which of a type's integers are 64 bits wide: only the compiled validator still knows. */
function longFields(file: string, schemaName: string): Set<string> {
  const pkg = file.includes('@kubernetes-models') ? '@kubernetes-models/apimachinery' : 'kubernetes-models';
  const path = join(modules, pkg, '_schemas', `${schemaName}.js`);
  const found = new Set<string>();
  if (!existsSync(path)) return found;
  const code = readFileSync(path, 'utf8');
  const formats = new Map([...code.matchAll(/let (formats\d+)=formats\.(\w+)/g)].map((m) => [m[1], m[2]]));
  const functions = new Map(
    [...code.matchAll(/function (validate\d+)\(data,.*?return \1\.errors/gs)].map((m) => [m[1], m[0]]),
  );
  for (const [, field, fn] of code.matchAll(/void 0!==data\.(\w+)&&\((validate\d+)\(data\.\1,/g)) {
    const used = /(formats\d+)\.validate/.exec(functions.get(fn ?? '') ?? '');
    if (field && used && formats.get(used[1] ?? '') === 'int64') found.add(field);
  }
  return found;
}

/** What stands above a type and above each of its fields. */
function addDescriptions(name: string, source: string): void {
  const said = (comment: string): string =>
    comment
      .split('\n')
      .map((line) => line.replace(/^\s*\* ?/, '').trimEnd())
      .join('\n')
      .replaceAll('\\*', '*')
      .trim();
  // A comment ends where its declaration begins: no other comment may begin between them.
  const comment = String.raw`/\*\*((?:(?!\*/)[^])*)\*/\s*`;
  const own = new RegExp(`${comment}export interface I${name}\\b`).exec(source)?.[1];
  if (own !== undefined) descriptions.set(name, said(own));
  const body = source.slice(source.indexOf(`export interface I${name}`));
  const fields = body.slice(0, body.indexOf('\n}'));
  for (const [, text = '', field = ''] of fields.matchAll(new RegExp(`${comment}"([^"]+)"\\??:`, 'g')))
    descriptions.set(`${name}.${field}`, said(text));
}

function addType(file: string): string {
  const source = readFileSync(`${file}.d.ts`, 'utf8');
  const text = source.replace(/\/\*\*.*?\*\//gs, '');
  const name = file.slice(file.lastIndexOf('/') + 1);
  const known = lines.get(name);
  if (known?.file === file) return name;
  if (!known) lines.set(name, { file, line: '' });
  const imports = new Map(
    [...text.matchAll(/import \{ (\w+) \} from "([^"]+)"/g)].map((m) => [
      m[1] ?? '',
      declarationOf(m[2] ?? '', file),
    ]),
  );
  const schemaName = new RegExp(`\\b${name} as (IoK8s\\w+)`).exec(text)?.[1] ?? '';
  const long = longFields(file, schemaName);
  const body = new RegExp(`export interface I${name}(?: extends TypeMeta)? \\{(.*?)\\n\\}`, 's').exec(
    text,
  )?.[1];
  if (body === undefined) throw new Error(`no interface I${name} in ${file}`);
  const fields: string[] = [];
  for (const [, field = '', optional, type = ''] of body.matchAll(
    /^ {4}"([^"]+)"(\?)?: (\{[^}]*\}|[^;{]*(?:\{[^}]*\}[^;{]*)?);$/gms,
  )) {
    const required = optional || field === 'apiVersion' || field === 'kind' ? '' : '!';
    fields.push(`${field}${required}:${codeOf(type.replace(/\s+/g, ' '), `${name}.${field}`)}`);
  }
  const line = `${name}|${fields.join(',')}`;
  // Two groups have an EndpointPort; what both require is required.
  if (known && known.line.replaceAll('!', '') === line.replaceAll('!', '')) return name;
  if (known && known.line !== '') throw new Error(`two types are called ${name}: ${known.file} and ${file}`);
  lines.set(name, { file, line });
  addDescriptions(name, source);
  return name;

  function codeOf(type: string, path: string): string {
    const field = path.slice(path.indexOf('.') + 1);
    if (opaque.has(field)) return 'a';
    if (bytes.has(path)) return '{}y';
    if (field === 'apiVersion' || field === 'kind') return 's';
    const array = /^Array<(.*)>$/.exec(type);
    if (array) return `[]${codeOf(array[1] ?? '', path)}`;
    const map = /^\{ \[key: string\]: (.*); \}$/.exec(type);
    if (map) return `{}${codeOf(map[1] ?? '', path)}`;
    if (type === 'string') return 's';
    if (type === 'boolean') return 'b';
    if (type === 'number') return long.has(field) ? 'l' : 'i';
    if (/^"/.test(type)) return [...type.matchAll(/"([^"]*)"/g)].map((m) => m[1]).join('/');
    const imported = imports.get(type);
    if (imported) {
      for (const [suffix, code] of Object.entries(scalars)) if (imported.endsWith(suffix)) return code;
      return addType(imported);
    }
    if (type === `I${name}`) return name;
    return 'a';
  }
}

function readKinds(): string {
  lines.clear();
  descriptions.clear();
  for (const kind of kinds) addType(join(modules, kind));
  const { version } = JSON.parse(readFileSync(join(modules, 'kubernetes-models/package.json'), 'utf8')) as {
    version: string;
  };
  return version;
}

/** The text of src/engine/shell/kubectl/descriptions.ts: what the schemas say of every type and field. */
export function generateDescriptions(): string {
  const version = readKinds();
  const texts = [...descriptions].map(([name, text]) => `${name}|${JSON.stringify(text).slice(1, -1)}`);
  return `// Made by scripts/generate-schema.ts from kubernetes-models ${version}; do not edit.

/** What Kubernetes' OpenAPI says of a type or a field, one a line: \`Type.field|text\`, escaped as in JSON. */
export const descriptions = String.raw\`
${texts.join('\n').replaceAll('`', '\\u0060').replaceAll('${', '\\u0024{')}
\`;
`;
}

export function generateSchema(): string {
  const version = readKinds();
  const table = [...lines.values()].map(({ line }) => line);
  return `// Made by scripts/generate-schema.ts from kubernetes-models ${version}; do not edit.

/**
 * One type a line: \`Type|field:code,…\`, first what Kubernetes declares in Go, then the custom resources.
 * Codes: s string, b bool, i int32, l int64, q quantity, x int or string, t time, y base64, a anything,
 * \`A/B\` one of these strings, \`[]\` list of, \`{}\` map of, else a type's name. \`!\` after a field: a CRD requires it.
 */
export const schema = \`
${[...table, customResources].join('\n')}
\`;
`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(target, generateSchema());
  writeFileSync(descriptionsTarget, generateDescriptions());
}
