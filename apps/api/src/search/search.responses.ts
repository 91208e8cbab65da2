import { ApiProperty } from '@nestjs/swagger';
import type { Hit } from '@edgechat/search';
import { MESSAGE_EXAMPLE, MessageResponse, messageResponse } from '../chat/message.responses.js';

export class SnippetPieceResponse {
  @ApiProperty() readonly text!: string;
  @ApiProperty({ description: 'True for a word that was looked for.' }) readonly match!: boolean;
}

export class HitResponse {
  @ApiProperty({ type: MessageResponse }) readonly message!: MessageResponse;
  @ApiProperty({
    type: [SnippetPieceResponse],
    description:
      'At most 160 characters of the message around the first match, in pieces. It is text: nothing in it is HTML.',
  })
  readonly snippet!: SnippetPieceResponse[];
  @ApiProperty({ minimum: 0, maximum: 1, description: 'The closer together the words, the higher.' })
  readonly score!: number;
}

export class HitsResponse {
  @ApiProperty({ type: [HitResponse] }) readonly hits!: HitResponse[];
  @ApiProperty({ type: 'string', nullable: true }) readonly next_cursor!: string | null;
}

export const HITS_EXAMPLE: HitsResponse = {
  hits: [
    {
      message: MESSAGE_EXAMPLE,
      snippet: [
        { text: 'What is the ', match: false },
        { text: 'capital', match: true },
        { text: ' of ', match: false },
        { text: 'Italy', match: true },
        { text: '?', match: false },
      ],
      score: 0.333338,
    },
  ],
  next_cursor: null,
};

const SCORE_DIGITS = 1e6;

export function hitResponse({ message, snippet, score }: Hit): HitResponse {
  return {
    message: messageResponse(message),
    snippet: snippet.map(({ text, match }) => ({ text, match })),
    score: Math.round(score * SCORE_DIGITS) / SCORE_DIGITS,
  };
}
