import { verdictKo } from '../verdict/ko.ts';
import type { ReachStrings } from './words.ts';

export const reachKo: ReachStrings = {
  language: 'ko',
  verdict: verdictKo,
  title: '누가 누구와 통신할 수 있는가',
  lead: '정책이 허용하는 것을 목적지의 포트로 나타냅니다. 그 포트에서 실제로 듣고 있는지는 따지지 않습니다.',
  from: '출발지',
  to: '목적지',
  ports: '포트',
  because: '이유',
  all: '모두',
  none: '없음',
  allBut: (ports) => `${ports} 외 모두`,
  selfCell: '자신',
  legend: { all: '모든 포트', some: '일부 포트', none: '통신 불가' },
  outside: '클러스터 밖',
  anyAddress: '그 밖의 주소',
  more: (count) => `외 ${count}개`,
  policies: (network, admin) =>
    `NetworkPolicy ${network}개${admin === 0 ? '' : `, 관리자 계층 정책 ${admin}개`}`,
  nearest: '가장 가까운 규칙',
  choose: '칸을 고르면 이유를 볼 수 있습니다.',
  back: '표로',
  nothing: '이 매니페스트에는 파드도 워크로드도 없습니다.',
  diff: {
    opened: '열림',
    closed: '닫힘',
    unchanged: '새로 열리거나 닫히는 것이 없습니다.',
    added: '추가됨',
    removed: '삭제됨',
  },
};
