import type { Kind } from './types.ts';

/** A kind that the API server knows, as `kubectl api-resources` lists it. */
export interface ResourceKind {
  readonly kind: string;
  /** Empty for the core group. */
  readonly group: string;
  readonly version: string;
  /** As manifests write it: `v1`, `apps/v1`. */
  readonly apiVersion: string;
  readonly plural: string;
  readonly singular: string;
  readonly shortNames: readonly string[];
  readonly namespaced: boolean;
  /** False for a kind that is accepted and kept, and has no effect here. */
  readonly modelled: boolean;
}

/** group/version|kind plural [short names]|…; `*` marks kinds outside namespaces. */
const modelled = `
v1|ConfigMap configmaps cm|Endpoints endpoints ep|Event events ev|Namespace* namespaces ns|Node* nodes no|Pod pods po|Secret secrets|Service services svc|ServiceAccount serviceaccounts sa
apps/v1|DaemonSet daemonsets ds|Deployment deployments deploy|ReplicaSet replicasets rs|StatefulSet statefulsets sts
batch/v1|Job jobs
discovery.k8s.io/v1|EndpointSlice endpointslices
networking.k8s.io/v1|Ingress ingresses ing|IngressClass* ingressclasses|NetworkPolicy networkpolicies netpol
policy.networking.k8s.io/v1alpha1|AdminNetworkPolicy* adminnetworkpolicies anp|BaselineAdminNetworkPolicy* baselineadminnetworkpolicies banp
`;

const accepted = `
v1|LimitRange limitranges limits|PersistentVolume* persistentvolumes pv|PersistentVolumeClaim persistentvolumeclaims pvc|PodTemplate podtemplates|ReplicationController replicationcontrollers rc|ResourceQuota resourcequotas quota
admissionregistration.k8s.io/v1|MutatingWebhookConfiguration* mutatingwebhookconfigurations|ValidatingWebhookConfiguration* validatingwebhookconfigurations|ValidatingAdmissionPolicy* validatingadmissionpolicies|ValidatingAdmissionPolicyBinding* validatingadmissionpolicybindings
apiextensions.k8s.io/v1|CustomResourceDefinition* customresourcedefinitions crd,crds
apiregistration.k8s.io/v1|APIService* apiservices
apps/v1|ControllerRevision controllerrevisions
autoscaling/v2|HorizontalPodAutoscaler horizontalpodautoscalers hpa
batch/v1|CronJob cronjobs cj
certificates.k8s.io/v1|CertificateSigningRequest* certificatesigningrequests csr
coordination.k8s.io/v1|Lease leases
flowcontrol.apiserver.k8s.io/v1|FlowSchema* flowschemas|PriorityLevelConfiguration* prioritylevelconfigurations
node.k8s.io/v1|RuntimeClass* runtimeclasses
policy/v1|PodDisruptionBudget poddisruptionbudgets pdb
rbac.authorization.k8s.io/v1|ClusterRole* clusterroles|ClusterRoleBinding* clusterrolebindings|Role roles|RoleBinding rolebindings
scheduling.k8s.io/v1|PriorityClass* priorityclasses pc
storage.k8s.io/v1|CSIDriver* csidrivers|CSINode* csinodes|CSIStorageCapacity csistoragecapacities|StorageClass* storageclasses sc|VolumeAttachment* volumeattachments
`;

function readKinds(table: string, isModelled: boolean): ResourceKind[] {
  return table
    .trim()
    .split('\n')
    .flatMap((line) => {
      const [apiVersion = '', ...entries] = line.split('|');
      const slash = apiVersion.indexOf('/');
      return entries.map((entry): ResourceKind => {
        const [marked = '', plural = '', shortNames = ''] = entry.split(' ');
        const kind = marked.replace('*', '');
        return {
          kind,
          group: apiVersion.slice(0, Math.max(0, slash)),
          version: apiVersion.slice(slash + 1),
          apiVersion,
          plural,
          singular: kind.toLowerCase(),
          shortNames: shortNames ? shortNames.split(',') : [],
          namespaced: !marked.endsWith('*'),
          modelled: isModelled,
        };
      });
    });
}

/** By group and name, as `kubectl api-resources` sorts them: the core group first. */
export const resourceKinds: readonly ResourceKind[] = [
  ...readKinds(modelled, true),
  ...readKinds(accepted, false),
].sort((a, b) => (a.group < b.group ? -1 : a.group > b.group ? 1 : a.plural < b.plural ? -1 : 1));

const byKind = new Map(resourceKinds.map((resource) => [resource.kind, resource]));
const byName = new Map<string, ResourceKind>();
for (const resource of resourceKinds) {
  for (const name of [resource.plural, resource.singular, ...resource.shortNames]) byName.set(name, resource);
}

export function resourceOfKind(kind: string): ResourceKind | undefined {
  return byKind.get(kind);
}

/** `pods`, `pod`, `po`, `deployments.apps`, `deployments.v1.apps`, in any case, as kubectl's arguments name resources. */
export function resourceNamed(argument: string): ResourceKind | undefined {
  const [name = '', ...rest] = argument.toLowerCase().split('.');
  const resource = byName.get(name);
  if (!resource || rest.length === 0) return resource;
  const suffix = rest.join('.');
  return suffix === resource.group || suffix === `${resource.version}.${resource.group}`.replace(/\.$/, '')
    ? resource
    : undefined;
}

/** `deployments.apps`; without a dot in the core group. As error messages name resources. */
export function groupResource(resource: ResourceKind): string {
  return resource.group ? `${resource.plural}.${resource.group}` : resource.plural;
}

/** `deployment.apps`: how kubectl names an object before its `/name`. */
export function objectPrefix(resource: ResourceKind): string {
  return resource.group ? `${resource.singular}.${resource.group}` : resource.singular;
}

/** `Deployment.apps`: how the API server names a kind in its errors. */
export function groupKind(resource: ResourceKind): string {
  return resource.group ? `${resource.kind}.${resource.group}` : resource.kind;
}

/** Keeps the table above and the types in step. */
export const modelledKinds: readonly Kind[] = resourceKinds
  .filter((resource): resource is ResourceKind & { readonly kind: Kind } => resource.modelled)
  .map(({ kind }) => kind);
