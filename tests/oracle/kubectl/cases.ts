/** Command lines whose answers by the real kubectl are recorded; `'…'` holds what has spaces. */
export const cases: readonly string[] = `
get foo
get
get pods nope
get pod done nope
get pod/done svc/web
get pods,svc done
get pods -n empty
get all -n empty
get nodes nope
get cm,no -A
get no,cm -A
get pods done -A
get pods svc/web
get pods --field-selector status.phase=Running -o name
get pods -l app=full
get pods -l app=zzz
get pods -l app=zzz -o name
get pods -l app=zzz -o yaml
get pods -l app=zzz -o json
get pods -o name
get pods,svc -o name
get pods done -o jsonpath={.status.phase}
get pods -o jsonpath={.items[*].metadata.name}
get pods -o 'jsonpath={range .items[*]}{.metadata.name}{"\\t"}{.status.podIP}{"\\n"}{end}'
get pods -o 'jsonpath={.items[?(@.status.phase=="Running")].metadata.name}'
get pods -o 'jsonpath={.items[?(@.metadata.name!="full")].metadata.name}'
get pods done -o jsonpath={.foo}
get pods done -o jsonpath={.status
get pods done -o jsonpath={.metadata}
get pods done -o jsonpath={.spec.containers}
get pods full -o jsonpath={.spec.containers[*].name}
get pods full -o jsonpath={.spec.containers[0:1].name}
get pods full -o jsonpath={.spec.containers[-1].name}
get pods full -o "jsonpath={['metadata.name','status.podIP']}"
get pods full -o 'jsonpath={.metadata.name} at {.status.podIP}'
get pods full -o jsonpath={..containerPort}
get pods full -o jsonpath={.metadata.labels}
get pods full -o "jsonpath={.metadata.labels['app']}"
get pods full -o jsonpath={.metadata.annotations.kubectl\\.kubernetes\\.io/last-applied-configuration}
get pods full -o jsonpath={.spec.containers[0].ports[?(@.containerPort>60)].name}
get pods full -o jsonpath={$.metadata.name}
get pods full -o jsonpath={foo}
get pods full -o jsonpath=
get pods done -o jsonpath={.spec.containers[5].name}
get pods -o custom-columns=NAME:.metadata.name,IP:.status.podIP
get pods full -o custom-columns=N:.metadata.name,C:.spec.containers[*].name,L:.metadata.labels,X:.spec.nope
get pods done -o custom-columns=NAME
get pods done -o custom-columns=
get pods done -o custom-columns=A:metadata.name --no-headers
get pods -o foo
get pods done --show-kind
get pods done -o wide --no-headers
get po,no
get ds,deploy
get pods full -o yaml
get pods full -o json
get cm odd -o yaml
get cm odd -o json
get svc web -o yaml
get pods --selector
get pods done done
get pods/done -o name
get -f /nonexist.yaml
get pods --ignore-not-found nope
get pods nope --ignore-not-found -o yaml
get po -w=false done
get pod done -l app=x
get pods --no-headers=foo
get pods --chunk-size=x
get pods -x
get pods --foo
get pods -n
get pods a/b
get pods/
get pods/a/b
get events
get events -o wide
get ns default
get deploy,rs,sts,job,ing,netpol,cm,secret,sa,ingressclass
get deploy web -L app,tier --show-labels
describe
describe pod nope
describe pods -n empty
describe foo
describe pod ful
describe pod full
describe pod full --show-events=false
describe pod full done
describe svc web
describe svc headless
describe ep web
describe endpointslice web-4k2xj
describe deploy web
describe rs web-6d4cf56db6
describe sts db
describe job job
describe ing ing
describe ing ing2
describe ingressclass nginx
describe netpol rich
describe netpol deny-all
describe cm one
describe secret one
describe sa default
describe ns default
describe node worker-1
delete pods
delete
delete foo x
delete pod a -l x=y
delete pods --all -l a=b
delete pod done --dry-run=client
delete pod nope --ignore-not-found
delete pod done --now --grace-period=3
delete pod done --cascade=foo
delete pods -l zz=1
delete ns old -n default --dry-run=client
scale deployment/web
scale --replicas=3
scale deployment web --replicas=-1
scale deployment web --replicas=x
label pod full
label pod full app
label pod full app=other
label pod full zz- --dry-run=client
label pod full app=full --dry-run=client
label pod full a=b c- --dry-run=client
label pod full app- --dry-run=client
label pod done --list
label pods done alone --list
label a=b
label pod a=b full
annotate pod full
annotate pod full note=other
annotate pod full x=y --dry-run=client
taint nodes worker-1
taint nodes worker-1 key=value:NoSchedul
taint nodes worker-1 key-
cordon
cordon nope
cordon worker-1 --dry-run=client
uncordon worker-1
drain
drain nope
drain worker-1 --dry-run=client --force
drain worker-1 --dry-run=client --force --ignore-daemonsets --delete-emptydir-data
top pods
top node
logs
logs nope
logs full c0 -c c1
logs full -c zz
logs deploy/nope
logs -l app=zzz
exec
exec full
exec nope -- ls
exec done -- ls
exec full ls
exec svc/nope -- ls
rollout foo
rollout status
rollout status deployment/web
rollout status pod/full
rollout history deployment/alone
rollout undo deployment/alone
rollout restart
rollout restart pod/full
set image deployment/web
set image deployment/web foo=bar
set image deployment/zzz foo=bar
set image deployment/web nginx=nginx:2 --dry-run=client
wait
wait pod/full
wait pod/full --for=foo
wait pod/nope --for=condition=Ready
wait pod/nope --for=delete
wait pod -l zz=1 --for=condition=Ready
explain
explain foo
version
version --client
config foo
auth can-i
events
patch pod full
patch pod full --type=foo -p {}
cp a b
port-forward
port-forward full
port-forward full abc
port-forward svc/web 8080:99
port-forward svc/nope 80
port-forward pod/done 80
apply
apply -f
apply -f nope.yaml
create
create -f nope.yaml
create foo
create deployment web
create deployment --image=x
create deployment web --image=nginx --replicas=3 --port=80 --dry-run=client -o yaml
create deployment web --image=registry.example/team/nginx:1.27 --dry-run=client -o yaml -- sleep 1
create service clusterip web --tcp=80:8080 --dry-run=client -o yaml
create service nodeport web --tcp=80 --node-port=30080 --dry-run=client -o yaml
create service externalname e --external-name=example.com --dry-run=client -o yaml
create service foo x
create configmap
create configmap cm --from-literal=a=b --from-literal=c=d --dry-run=client -o yaml
create namespace x --dry-run=client -o yaml
create ns x --dry-run=client
create secret generic s --from-literal=a=b --dry-run=client -o yaml
create serviceaccount sa --dry-run=client -o yaml
create job j --image=busybox --dry-run=client -o yaml -- echo hi
create ingress i --rule=a.com/x*=svc:80,tls=sec --rule=b.com/=svc2:http --class=nginx --dry-run=client -o yaml
run nginx
run --image=nginx
run nginx --image=nginx --dry-run=client -o yaml
run nginx --image=nginx --port=80 --labels=a=b,c=d --env=X=1 --restart=Never --dry-run=client -o yaml --command -- sleep 5
run p --image=nginx --restart=Foo
run p --image=nginx --rm
run p --image=busybox -it --rm --dry-run=client -- sh
expose pod full --port=80 --dry-run=client -o yaml
expose pod full --dry-run=client -o yaml
expose deployment web --port=80 --target-port=8080 --type=NodePort --name=x --dry-run=client -o yaml
expose deployment web --dry-run=client
expose node worker-1
replace
foo
gett
xyzzy
--foo get pods
-n empty get pods
get -nempty pods
get pods -nempty -oname
get pods full -o jsonpath={.spec.containers[0,1].name}
get pods full -o jsonpath={.spec.containers[::2].name}
get pods full -o jsonpath={.spec.containers[1:].name}
get pods full -o jsonpath={.spec.containers[:1].name}
get pods full -o jsonpath={.spec.containers[-2:].name}
get pods full -o jsonpath={.spec.containers[-3].name}
get pods full -o jsonpath={.spec.containers.name}
get pods full -o jsonpath={.metadata[0]}
get pods full -o jsonpath={.metadata.labels.*}
get pods full -o jsonpath={.spec.containers[?(@.name)].image}
get pods full -o jsonpath={.spec.containers[?(@.livenessProbe)].name}
get pods full -o 'jsonpath={.spec.containers[?(@.name=="c1")].image}'
get pods full -o "jsonpath={.spec.containers[?(@.name=='c1')].image}"
get pods full -o 'jsonpath={.status.containerStatuses[?(@.ready==true)].name}'
get pods full -o 'jsonpath={.status.containerStatuses[?(@.restartCount>=2)].name}'
get pods full -o 'jsonpath={.status.containerStatuses[?(@.restartCount>1)].restartCount}'
get pods full -o 'jsonpath={.metadata.name}{"\\n"}'
get pods full -o 'jsonpath={"a\\tb"}'
get pods full -o 'jsonpath={.metadata.name}{" x "}{.kind}'
get pods full -o jsonpath={.spec.containers[*]
get pods full -o jsonpath={.spec.containers[?(@.name}
get pods full -o jsonpath={range
get pods full -o 'jsonpath={range .spec.containers[*]}{.name},{end}!'
get pods full -o 'jsonpath={range .spec.containers[*]}[{.name}:{range .ports[*]}{.containerPort} {end}]{end}'
get pods full -o 'jsonpath={range .nope[*]}x{end}y'
get pods full -o 'jsonpath={.spec.priority}'
get pods full -o 'jsonpath={.spec.containers[1].ports}'
get pods full -o 'jsonpath={@.metadata.name}'
get pods full -o 'jsonpath=plain'
get pods full -o 'jsonpath={.spec.containers[abc]}'
get pods full -o 'jsonpath={..ports[*].containerPort}'
get pods full -o 'jsonpath={.metadata.labels.app}-{.metadata.labels.tier}'
get pods -o 'jsonpath={.items[0].metadata.name}'
get pods -o 'jsonpath={.items[-1:].metadata.name}'
get pods -o 'jsonpath={.items[*].spec.containers[*].image}'
get pods -o 'jsonpath={.items[?(@.metadata.labels.app=="full")].status.podIP}'
get pods -o 'jsonpath={.items[?(@.metadata.labels.app)].metadata.name}'
get pods -o 'jsonpath={.kind}'
get svc web -o 'jsonpath={.spec.ports[?(@.name=="dns")].nodePort}'
get svc -o 'jsonpath={range .items[*]}{.metadata.name}={.spec.clusterIP}{"\\n"}{end}'
get pods full -o jsonpath-as-json={.spec.containers[*].name}
get pods full -o custom-columns=IMG:.spec.containers[*].image,R:.status.containerStatuses[0].restartCount,RDY:.status.containerStatuses[*].ready
get pods full -o custom-columns=A:{.metadata.name},B:metadata.namespace,C:.metadata.labels.app
get pods -o custom-columns=NAME:.metadata.name,APP:.metadata.labels.app
get pods full -o custom-columns=A:.spec.containers[9].name
get pods full -o custom-columns=A:.spec.containers[
get pods --sort-by=.metadata.creationTimestamp -o name
get pods --sort-by={.status.podIP} -o name
get pods --sort-by=.metadata.name --no-headers -o custom-columns=N:.metadata.name
get svc,deploy -o wide
get svc web -o wide --show-labels
get all
get netpol rich deny-all
get ing ing ing2
get job,sts -o wide
get pods full -A
get pod -o yaml done alone
get pod,svc -l app=web -o name
get no worker-1 -o jsonpath={.status.addresses[?(@.type=="InternalIP")].address}
get no -o custom-columns=N:.metadata.name,T:.spec.taints[*].key
describe pod done alone
describe pods -l app=full
describe svc
describe nodes
describe netpol
describe deploy alone
describe ns
describe cm odd2
describe pod/full svc/web
describe pod full svc web
delete pod done -o yaml
delete pod done --grace-period=x
delete pods --all --dry-run=client
delete all --all --dry-run=client
delete deploy,svc web --dry-run=client
delete pod/done --dry-run=client -o name
scale deploy web --replicas=2 --foo
label pods --all a=b --dry-run=client
label pods -l app=full a=b --dry-run=client -o name
label --overwrite pod full app=other --dry-run=client
annotate pods --all a=b --dry-run=client
taint nodes worker-1 b:NoSchedule- --dry-run=client
taint nodes worker-1 a=y:NoExecute
taint nodes worker-1 a=y:NoExecute --overwrite --dry-run=client
taint pods full a=y:NoExecute
cordon worker-1 nope
logs full extra more
logs -l app=full full
exec -it full -c c0
exec full -c c0 -- 
rollout status deploy nope
rollout history deploy nope
rollout pause deploy web --dry-run=client
set image deploy web
set image deploy web nginx
wait --for=condition=Ready
wait pod full --for=condition=Initialized=true --timeout=0s
wait pod full --for=jsonpath={.status.phase}=Running --timeout=0s
wait pod full --for=jsonpath={.status.podIP} --timeout=0s
wait pods --all --for=delete --dry-run
auth can-i get
version --output=foo
version foo
api-versions foo
top
top foo
port-forward pod/full x:80
port-forward deploy/nope 80
cp a:/x b:/y c
cp
create deployment a b --image=x
create deployment a --image=x --replicas=x
create deployment a --image=nginx --image=busybox --dry-run=client -o yaml
create deployment a --image=nginx --dry-run=foo
create service
create service clusterip
create service clusterip a
create service clusterip a --clusterip=None --dry-run=client -o yaml
create service nodeport a --tcp=x
create service loadbalancer a --tcp=80,443:8443 --dry-run=client -o yaml
create configmap a --from-literal=x
create configmap a --dry-run=client -o yaml
create ns
create ingress a
create ingress a --default-backend=svc:80 --dry-run=client -o yaml
create ingress a --rule=foo --dry-run=client
create cm a --from-literal=k=v --dry-run=client -o json
create deployment a --image=nginx --dry-run=client -o jsonpath={.spec.replicas}
create deployment a --image=nginx --dry-run=client -o name
run a b --dry-run=client
run a --image=nginx --dry-run=client
run a --image=nginx --dry-run=client -o name
run a --image=nginx -t --dry-run=client
run a --image=nginx --labels=x --dry-run=client
run a --image=nginx --env=x --dry-run=client
run a --image=nginx --dry-run=client -o yaml -- a b -c
run a --image=nginx --expose --dry-run=client
expose
expose svc
expose svc web --name=w2 --port=81 --dry-run=client -o yaml
expose svc web --name=w2 --dry-run=client -o yaml
expose rs web-6d4cf56db6 --name=w2 --dry-run=client -o yaml
expose deploy nope --port=80
expose netpol rich --port=80
patch pod
patch pod full -p
patch pod nope -p {}
rollout undo deploy web --to-revision=9
rollout history deploy/web
edit pod nope
describe --foo
-o get
`
  .trim()
  .split('\n');

/** Words of a line; quotes hold them together. */
export function words(line: string): string[] {
  return [...line.matchAll(/(?:'[^']*'|"[^"]*"|[^\s'"])+/g)].map(([word]) =>
    word.replace(/'([^']*)'|"([^"]*)"/g, '$1$2'),
  );
}
