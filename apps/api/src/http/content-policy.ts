/** The policy of an answer that is no page: a browser that shows it all the same loads nothing, and frames it nowhere. (`base-uri`, `form-action` and `frame-ancestors` do not follow `default-src`.) */
export const CONTENT_POLICY = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
