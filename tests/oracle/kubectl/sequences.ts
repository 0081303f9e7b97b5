/** Lines that change a cluster, one after the other, over files that both kubectls find in their working directory. */
export interface Sequence {
  readonly name: string;
  readonly files: Readonly<Record<string, string>>;
  readonly lines: readonly string[];
}

const web = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  labels: {app: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - name: nginx
        image: nginx:1.27
        ports: [{containerPort: 80}]
      - {name: side, image: busybox, command: [sleep, '1']}
`;
const service = `apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80}]}
`;
const pod = `apiVersion: v1
kind: Pod
metadata: {name: a, labels: {app: a}}
spec: {containers: [{name: c, image: nginx}]}
`;

const list = (text: string): readonly string[] => text.trim().split('\n');

export const sequences: readonly Sequence[] = [
  {
    name: 'apply',
    files: {
      'web.yaml': `${web}---\n${service}`,
      'web2.yaml': web
        .replace('replicas: 2', 'replicas: 3')
        .replace('1.27', '1.28')
        .replace(/ {6}- \{name: side.*\n/, ''),
      'selector.yaml': web.replaceAll('app: web}}', 'app: other}}'),
      'unknown.yaml': pod.replace('containers:', 'container:'),
      'bad.yaml': service.replace('port: 80', 'port: 99999').replace('name: web', 'name: Web_1'),
      'kind.yaml': 'apiVersion: v1\nkind: Foo\nmetadata: {name: x}\n',
      'nokind.yaml': 'apiVersion: v1\nmetadata: {name: x}\n',
      'ns.yaml': pod.replace('name: a', 'name: a, namespace: nope'),
      'empty.yaml': '# nothing\n',
      'pod.yaml': pod,
      'pod2.yaml': pod.replace('image: nginx', 'image: httpd, ports: [{containerPort: 80}]'),
    },
    lines: list(`
apply -f web.yaml --validate=false
apply -f web.yaml --validate=false
get deploy,svc -o name
apply -f web2.yaml --validate=false
get deploy web -o jsonpath={.spec.replicas}{.spec.template.spec.containers[*].name}
apply -f selector.yaml --validate=false
apply -f bad.yaml --validate=false
apply -f kind.yaml --validate=false
apply -f ns.yaml --validate=false
apply -f empty.yaml --validate=false
apply -f pod.yaml --validate=false -o name
apply -f pod.yaml --validate=false
apply -f pod2.yaml --validate=false
apply -f web.yaml -f pod.yaml --validate=false
create -f pod.yaml --validate=false
replace -f web.yaml --validate=false
apply -f web.yaml -n other --validate=false
delete -f web.yaml -f pod.yaml --wait=false
delete -f web.yaml --ignore-not-found
apply -f web.yaml --dry-run=client --validate=false
`),
  },
  {
    name: 'changes',
    files: { 'web.yaml': `${web}---\n${service}---\n${pod}` },
    lines: list(`
create -f web.yaml --validate=false
label pod a x=y
label pod a x=y
label pod a x=z
label pod a x=z --overwrite
label pod a x-
label pod a x-
label pod,svc --all t=1
label pods -l app=a u=v
get pods --show-labels --no-headers
annotate svc web note=hello
annotate svc web note=hello
annotate svc web note=other
annotate svc web note-
scale deploy web --replicas=5
scale deploy/web --replicas=4 --current-replicas=9
scale deploy/web --replicas=4 --current-replicas=5
scale pod a --replicas=2
scale deploy nope --replicas=2
get deploy web
set image deploy/web nginx=nginx:1.28
set image deploy/web nginx=nginx:1.28
set image deploy/web nope=nginx:1.28
set image deploy web *=x
get deploy web -o jsonpath={.spec.template.spec.containers[*].image}
set env deploy/web A=1 B=2
set env deploy/web A-
get deploy web -o jsonpath={.spec.template.spec.containers[0].env}
set selector svc web app=other
get svc web -o wide
patch svc web -p '{"spec":{"type":"NodePort","ports":[{"port":80,"nodePort":30080}]}}'
patch svc web -p '{"spec":{"type":"NodePort"}}'
patch svc web --type=merge -p '{"metadata":{"labels":{"t":null}}}'
patch deploy web --type=json -p '[{"op":"replace","path":"/spec/replicas","value":1}]'
patch deploy web -p '{"spec":{"template":{"spec":{"containers":[{"name":"nginx","image":"nginx:2"}]}}}}'
get deploy web -o jsonpath={.spec.template.spec.containers[*].name}
patch deploy nope -p '{}'
rollout pause deploy web
rollout pause deploy web
rollout restart deploy web
rollout resume deploy web
rollout resume deploy web
rollout restart deploy web
rollout undo deploy web
rollout history deploy web
expose deploy web --name=w2 --port=80
expose deploy web --port=80
expose pod a --port=80 --name=a --type=NodePort
get svc w2 -o jsonpath={.spec.selector}
delete svc w2 nope
delete pod,svc -l app=a
delete deploy --all
get all
`),
  },
  {
    name: 'generated',
    files: { 'ns.yaml': 'apiVersion: v1\nkind: Namespace\nmetadata: {name: blue}\n', 'web.yaml': web },
    lines: list(`
create -f ns.yaml -f web.yaml --validate=false
create -f ns.yaml --validate=false
run p --image=nginx
run p --image=nginx
run P --image=nginx
run p2 --image=nginx -n blue
run p3 --image=nginx -n nope
run p4 --image=nginx --port=80 --expose
get pods -A -o name
expose deploy web --port=80 --type=NodePort --name=np
expose deploy web --port=80 --name=Np
get svc np -o jsonpath={.spec.type}
get ns
delete ns default --wait=false
delete ns blue --wait=false
delete pod p p4 --wait=false
delete svc --all
`),
  },
  {
    name: 'nodes',
    files: {
      'node.yaml':
        'apiVersion: v1\nkind: Node\nmetadata: {name: node-1}\nspec: {podCIDR: 10.244.1.0/24}\n---\napiVersion: v1\nkind: Node\nmetadata: {name: node-2}\nspec: {podCIDR: 10.244.2.0/24}\n',
    },
    lines: list(`
apply -f node.yaml --validate=false
cordon node-1
cordon node-1
cordon node-1 node-2
uncordon node-1 node-2
taint nodes node-1 k=v:NoSchedule
taint nodes node-1 k=w:NoSchedule
taint nodes node-1 k=w:NoSchedule --overwrite
taint nodes node-1 k=v:NoExecute
get node node-1 -o jsonpath={.spec.taints[*].effect}
taint nodes --all x:NoSchedule
taint nodes node-1 k-
taint nodes node-1 k-
taint nodes node-2 x:NoSchedule- y=z:NoExecute
drain node-2
label nodes --all zone=a
get nodes -o name -l zone=a
delete node node-2
`),
  },
];
