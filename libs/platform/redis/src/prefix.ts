/** Everything of ours in Redis begins with this; the braces keep the keys of a queue on one node of a cluster. */
export const PREFIX = '{edgechat}';
