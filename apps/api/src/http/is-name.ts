import { applyDecorators } from '@nestjs/common';
import { ApiProperty } from '@nestjs/swagger';
import { faultOfName, type NameFault } from '@edgechat/kernel';
import { judgeText, Rule, type FieldNotes, type Judge, type Verdict } from './validation.js';

const NAME_FAULTS: Record<NameFault, Verdict> = {
  deceiving: {
    code: 'deceiving_name',
    detail: 'must not hold line ends, control characters or signs that turn the direction of text',
  },
  invisible: { code: 'invisible_name', detail: 'must hold something that can be seen' },
};

/** A stored text that others see as the name of something: it shows as what it is. */
export function IsName(max: number, notes: FieldNotes = {}): PropertyDecorator {
  const judge: Judge = (value) => {
    const verdict = judgeText(value, 1, max);
    if (verdict !== null || typeof value !== 'string') return verdict;
    const fault = faultOfName(value);
    return fault === null ? null : NAME_FAULTS[fault];
  };
  return applyDecorators(Rule('name', judge), ApiProperty({ type: 'string', minLength: 1, maxLength: max, ...notes }));
}
