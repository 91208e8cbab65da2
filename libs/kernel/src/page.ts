/** A page of a list: what was asked for, and whether another item is there in the direction asked for (exact, never a guess). */
export interface Page<Item> {
  readonly items: readonly Item[];
  readonly hasMore: boolean;
}

/** Makes a page of at most `limit` out of `limit + 1` rows read: the one too many only shows that there is more. */
export function pageOf<Row>(rows: readonly Row[], limit: number): Page<Row> {
  return { items: rows.slice(0, limit), hasMore: rows.length > limit };
}
