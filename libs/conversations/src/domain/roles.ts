import { Refusal } from '@edgechat/kernel';
import type { ConversationKind, MemberRole } from './conversation.js';

/** What a member can do to a conversation besides reading and sending, which everybody may. */
export type Action = 'change' | 'delete' | 'add_members' | 'give_roles';

/** Who may do what: the one table of it. */
const ALLOWED: Readonly<Record<Action, readonly MemberRole[]>> = {
  change: ['owner', 'admin'],
  delete: ['owner'],
  add_members: ['owner', 'admin'],
  give_roles: ['owner'],
};

/** Whom a member may remove, besides oneself. Nobody removes the owner. */
const REMOVABLE: Readonly<Record<MemberRole, readonly MemberRole[]>> = {
  owner: ['admin', 'member'],
  admin: ['member'],
  member: [],
};

/** Members and roles change in groups only: two people who talk to each other are always these two. */
export function requireGroup(kind: ConversationKind): void {
  if (kind !== 'group')
    throw new Refusal(
      'groups_only',
      "Only a group's members and roles can be changed. Make a group to talk with more people.",
    );
}

/** @throws Refusal `not_allowed`. A direct conversation either of the two may delete. */
export function requireRight(action: Action, kind: ConversationKind, role: MemberRole): void {
  if (ALLOWED[action].includes(role) || (action === 'delete' && kind === 'direct')) return;
  throw new Refusal(
    'not_allowed',
    `Your role in this conversation, ${role}, does not allow this. Ask ${ALLOWED[action].join(' or ')}.`,
  );
}

/** @throws Refusal `owner_not_removable`, `not_allowed` */
export function requireRightToRemove(role: MemberRole, target: MemberRole): void {
  if (target === 'owner')
    throw new Refusal(
      'owner_not_removable',
      'The owner of a group cannot be removed. The owner can leave, or give ownership away first.',
    );
  if (!REMOVABLE[role].includes(target))
    throw new Refusal(
      'not_allowed',
      `Your role in this conversation, ${role}, does not allow to remove a member whose role is ${target}.`,
    );
}
