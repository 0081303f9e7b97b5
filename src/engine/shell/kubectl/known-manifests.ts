/**
 * Manifests that people apply by their address. Nothing is fetched: these are written here, cut to what has an effect.
 * ingress-nginx' `deploy/static/provider/*` of any version 1: without its admission webhook and its rights.
 */
export function knownManifest(url: string): string | undefined {
  const match =
    /^https:\/\/raw\.githubusercontent\.com\/kubernetes\/ingress-nginx\/controller-(v1\.\d{1,3}\.\d{1,3})\/deploy\/static\/provider\/(baremetal|cloud|kind)\/deploy\.yaml$/.exec(
      url,
    );
  const [, version, provider] = match ?? [];
  return version === undefined || provider === undefined ? undefined : ingressNginx(version, provider);
}

function ingressNginx(version: string, provider: string): string {
  const labels = [
    'app.kubernetes.io/instance: ingress-nginx',
    'app.kubernetes.io/name: ingress-nginx',
    'app.kubernetes.io/component: controller',
  ];
  const all = `{ ${[...labels, `app.kubernetes.io/version: ${version.slice(1)}`].join(', ')} }`;
  const selector = `{ ${labels.join(', ')} }`;
  const hostPort = (port: number): string => (provider === 'kind' ? `, hostPort: ${port}` : '');
  const publish =
    provider === 'cloud' ? 'service=$(POD_NAMESPACE)/ingress-nginx-controller' : 'status-address=localhost';
  const service = provider === 'cloud' ? 'LoadBalancer' : 'NodePort';
  return `
apiVersion: v1
kind: Namespace
metadata: { name: ingress-nginx, labels: ${all} }
---
apiVersion: v1
kind: ServiceAccount
metadata: { name: ingress-nginx, namespace: ingress-nginx, labels: ${all} }
---
apiVersion: v1
kind: ConfigMap
metadata: { name: ingress-nginx-controller, namespace: ingress-nginx, labels: ${all} }
---
apiVersion: v1
kind: Service
metadata: { name: ingress-nginx-controller, namespace: ingress-nginx, labels: ${all} }
spec:
  type: ${service}${provider === 'cloud' ? '\n  externalTrafficPolicy: Local' : ''}
  ipFamilies: [IPv4]
  ipFamilyPolicy: SingleStack
  selector: ${selector}
  ports:
    - { name: http, appProtocol: http, port: 80, protocol: TCP, targetPort: http }
    - { name: https, appProtocol: https, port: 443, protocol: TCP, targetPort: https }
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: ingress-nginx-controller, namespace: ingress-nginx, labels: ${all} }
spec:
  minReadySeconds: 0
  revisionHistoryLimit: 10
  selector: { matchLabels: ${selector} }
  template:
    metadata: { labels: ${all} }
    spec:
      containers:
        - name: controller
          image: registry.k8s.io/ingress-nginx/controller:${version}
          imagePullPolicy: IfNotPresent
          args:
            - /nginx-ingress-controller${provider === 'baremetal' ? '' : `\n            - --publish-${publish}`}
            - --election-id=ingress-nginx-leader
            - --controller-class=k8s.io/ingress-nginx
            - --ingress-class=nginx
            - --configmap=$(POD_NAMESPACE)/ingress-nginx-controller${provider === 'kind' ? '\n            - --watch-ingress-without-class=true' : ''}
          env:
            - { name: POD_NAME, valueFrom: { fieldRef: { fieldPath: metadata.name } } }
            - { name: POD_NAMESPACE, valueFrom: { fieldRef: { fieldPath: metadata.namespace } } }
          ports:
            - { name: http, containerPort: 80, protocol: TCP${hostPort(80)} }
            - { name: https, containerPort: 443, protocol: TCP${hostPort(443)} }
          livenessProbe:
            httpGet: { path: /healthz, port: 10254, scheme: HTTP }
            failureThreshold: 5
            initialDelaySeconds: 10
          readinessProbe:
            httpGet: { path: /healthz, port: 10254, scheme: HTTP }
            initialDelaySeconds: 10
          resources: { requests: { cpu: 100m, memory: 90Mi } }
      nodeSelector: { kubernetes.io/os: linux }
      serviceAccountName: ingress-nginx
      terminationGracePeriodSeconds: 300
---
apiVersion: networking.k8s.io/v1
kind: IngressClass
metadata: { name: nginx, labels: ${all} }
spec: { controller: k8s.io/ingress-nginx }
`;
}
