import type { Mismatch, NearMiss, SideVerdict } from '../../../src/engine/verdict.ts';
import { particle as 조사 } from '../particle.ts';
import {
  policyName,
  portName,
  requirementText,
  ruleNumber,
  shortName,
  type Asked,
  type VerdictStrings,
} from './words.ts';

const fits: Readonly<Record<NearMiss['fits'][number], string>> = {
  everybody: '상대(모두)',
  namespace: '네임스페이스',
  pod: '파드',
  address: '주소',
  port: '포트',
};

function missing(one: Mismatch, asked: Asked): string {
  switch (one.code) {
    case 'port':
      return `${조사(portName(asked), '이/가')} [${one.listed.join(', ')}]에 없습니다`;
    case 'pod-label':
    case 'namespace-label': {
      const has = one.actual === undefined ? '없음' : `${one.key}=${one.actual}`;
      return `${one.code === 'pod-label' ? '파드' : '네임스페이스'} 레이블이 ${requirementText(one)} 조건에 맞지 않습니다(실제: ${has})`;
    }
    case 'namespace':
      return `네임스페이스 ${one.wanted}만 보므로 ${조사(one.actual, '은/는')} 해당하지 않습니다`;
    case 'cidr':
      return `주소가 ${one.cidr}에 속하지 않습니다`;
    case 'except':
      return `주소가 ${one.cidr}의 예외 ${one.except}에 속합니다`;
    case 'not-a-pod':
      return '셀렉터는 파드만 고르고 클러스터 밖의 주소는 고르지 않습니다';
    case 'nobody':
      return '상대 조건에 맞는 대상이 없습니다';
  }
}

function miss(near: NearMiss, asked: Asked): string {
  const rule = `${shortName(near)}의 규칙 ${ruleNumber(near)}`;
  const lacks = near.missing.map((one) => missing(one, asked)).join(', ');
  if (near.fits.length === 0) return `${rule}: ${lacks}`;
  const holds = near.fits.map((fit) => fits[fit]).join(', ');
  return `${조사(rule, '은/는')} ${조사(holds, '은/는')} 맞지만 ${lacks}`;
}

function side(verdict: SideVerdict, direction: 'ingress' | 'egress', asked: Asked): string {
  const where = direction === 'egress' ? `${asked.from}의 이그레스` : `${asked.to}의 인그레스`;
  const peer = direction === 'egress' ? `${조사(asked.to, '(으)로')} 가는` : `${asked.from}에서 오는`;
  const passed =
    verdict.passed === undefined
      ? ''
      : `${policyName(verdict.passed)}의 규칙 ${조사(ruleNumber(verdict.passed), '이/가')} 아래 단계로 넘깁니다(Pass). `;
  switch (verdict.reason) {
    case 'outside':
      return `${where}: 클러스터 밖의 주소에는 정책이 적용되지 않습니다`;
    case 'unselected':
      return `${where}: ${passed}${verdict.selecting.length === 0 ? '선택하는 정책이 없습니다' : '결정하는 정책이 없습니다'}`;
    case 'rule': {
      const by = verdict.by === undefined ? '' : `${policyName(verdict.by)}의 규칙 ${ruleNumber(verdict.by)}`;
      return `${where}: ${passed}${조사(by, '이/가')} ${verdict.allowed ? '허용합니다' : '거부합니다'}${near(verdict, asked)}`;
    }
    case 'no-match': {
      const policies = verdict.selecting
        .filter(({ kind }) => kind === 'NetworkPolicy')
        .map(shortName)
        .join(', ');
      return `${where}: ${passed}NetworkPolicy ${조사(policies, '이/가')} 선택하며, ${peer} ${조사(portName(asked), '을/를')} 허용하는 규칙이 없습니다${near(verdict, asked)}`;
    }
  }
}

function near(verdict: SideVerdict, asked: Asked): string {
  const [first] = verdict.near;
  return first === undefined ? '' : `. 가장 가까운 규칙: ${miss(first, asked)}`;
}

export const verdictKo: VerdictStrings = {
  self: '파드가 자신에게 여는 연결은 정책을 거치지 않습니다',
  side,
  near: miss,
  reason: ({ allowed, egress, ingress }, asked) => {
    const told: string[] = [];
    if (allowed || !egress.allowed) told.push(side(egress, 'egress', asked));
    if (allowed || !ingress.allowed) told.push(side(ingress, 'ingress', asked));
    return told.join('. ');
  },
};
