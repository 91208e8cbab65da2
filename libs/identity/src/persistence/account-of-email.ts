/**
 * The condition for the account of an e-mail address, whose `key` is the parameter $1 and whose `mailboxKey` is the parameter given: the account that was registered in this very spelling, else the one
 * that has the mailbox. Where several accounts from before share a mailbox, each is found by its own spelling alone. At most one account; goes by three indexes.
 */
export const isOfEmail = (mailboxKey: `$${number}`): string => `id = (
    select x.id from edgechat.accounts x
    where x.email_key = $1::text or x.mailbox_key = ${mailboxKey}::text or (x.email_key = ${mailboxKey}::text and x.shared_mailbox_key is null)
    order by x.email_key = $1::text desc, x.mailbox_key = ${mailboxKey}::text desc nulls last limit 1
  )`;
