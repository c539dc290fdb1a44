import { z } from 'zod';
import { contract } from './contract.ts';
import { passwordLength } from './field-limits.ts';
import { charactersIn, Email, Locale, PersonName, Timestamp, Uuid } from './values.ts';

export const User = z
  .object({
    id: Uuid,
    name: z.string(),
    email: z.string(),
    locale: z.string(),
    createdAt: Timestamp,
    verifiedAt: Timestamp,
  })
  .meta({ id: 'User' });
export type User = z.infer<typeof User>;

/** Checks only the length; the user service refuses common passwords and the e-mail itself. */
export const Password = z
  .string()
  .refine(
    (password) => charactersIn(password) >= passwordLength.min,
    `must be at least ${passwordLength.min} characters long`,
  )
  .refine(
    (password) => charactersIn(password) <= passwordLength.max,
    `must be at most ${passwordLength.max} characters long`,
  )
  .meta({ minLength: passwordLength.min, maxLength: passwordLength.max });

/** A password to check. No minimum length, so that a wrong one always gets `invalid-credentials`. */
export const OfferedPassword = z.string().min(1).max(1_024);

const AccountToken = z.string().min(1).max(512);

export const signUp = contract({
  operationId: 'signUp',
  summary: 'Sign up; a verification link follows by e-mail',
  description:
    'The response is the same whether or not the address has an account. The link is valid for 24 hours. All account mails to an address together: three a day (UTC).',
  service: 'user',
  method: 'POST',
  url: '/v1/users',
  auth: 'public',
  rateLimit: 'credentials',
  schema: {
    body: z.strictObject({
      name: PersonName,
      email: Email,
      password: Password,
      locale: Locale.default('en'),
    }),
  },
  status: 202,
  response: z.object({ status: z.literal('pending') }),
});

export const verifyUser = contract({
  operationId: 'verifyUser',
  summary: 'Verify a new account with the token from its e-mail',
  description: 'The token is in the link of the mail and works once.',
  service: 'user',
  method: 'POST',
  url: '/v1/users/verify',
  auth: 'public',
  rateLimit: 'address',
  schema: { body: z.strictObject({ token: AccountToken }) },
  status: 200,
  response: User,
  problems: ['invalid-token'],
});

export const resendVerification = contract({
  operationId: 'resendVerification',
  summary: 'Resend the verification e-mail',
  description:
    'Repeats the link of the newest sign-up. The response is the same whether or not there is one.',
  service: 'user',
  method: 'POST',
  url: '/v1/users/verify/resend',
  auth: 'public',
  rateLimit: 'credentials',
  schema: { body: z.strictObject({ email: Email }) },
  status: 202,
  response: z.object({ status: z.literal('pending') }),
});

export const forgotPassword = contract({
  operationId: 'forgotPassword',
  summary: 'Request a password reset link by e-mail',
  description: 'The response is the same whether or not the address has an account.',
  service: 'user',
  method: 'POST',
  url: '/v1/users/password/forgot',
  auth: 'public',
  rateLimit: 'credentials',
  schema: { body: z.strictObject({ email: Email }) },
  status: 202,
  response: z.object({ status: z.literal('pending') }),
});

export const resetPassword = contract({
  operationId: 'resetPassword',
  summary: 'Set a new password with the token from the e-mail; every session ends',
  service: 'user',
  method: 'POST',
  url: '/v1/users/password/reset',
  auth: 'public',
  rateLimit: 'address',
  schema: { body: z.strictObject({ token: AccountToken, password: Password }) },
  status: 204,
  problems: ['invalid-token'],
});

export const getMe = contract({
  operationId: 'getMe',
  summary: 'Get your account',
  service: 'user',
  method: 'GET',
  url: '/v1/users/me',
  auth: 'user',
  rateLimit: 'account',
  status: 200,
  response: User,
});

export const updateMe = contract({
  operationId: 'updateMe',
  summary: 'Update your name or language',
  service: 'user',
  method: 'PATCH',
  url: '/v1/users/me',
  auth: 'user',
  rateLimit: 'account',
  schema: {
    body: z.strictObject({ name: PersonName.optional(), locale: Locale.optional() }),
  },
  status: 200,
  response: User,
});

export const deleteMe = contract({
  operationId: 'deleteMe',
  summary: 'Delete your account',
  description:
    'All sessions and memberships end. The only owner of a venue deletes it first, or makes someone else an owner.',
  service: 'user',
  method: 'POST',
  url: '/v1/users/me/delete',
  auth: 'user',
  rateLimit: 'password',
  schema: { body: z.strictObject({ password: OfferedPassword }) },
  status: 204,
  problems: ['invalid-credentials', 'last-owner'],
});

export const changePassword = contract({
  operationId: 'changePassword',
  summary: 'Change your password; every other session ends',
  service: 'user',
  method: 'POST',
  url: '/v1/users/me/password',
  auth: 'user',
  rateLimit: 'password',
  schema: {
    body: z.strictObject({ currentPassword: OfferedPassword, newPassword: Password }),
  },
  status: 204,
  problems: ['invalid-credentials'],
});

/** Everything the system holds about an account. */
export const UserExport = z
  .object({
    exportedAt: Timestamp,
    account: User,
    signUps: z.array(
      z.object({
        id: Uuid,
        name: z.string(),
        email: z.string(),
        locale: z.string(),
        createdAt: Timestamp,
        expiresAt: Timestamp,
      }),
    ),
    sessions: z.array(z.object({ id: Uuid, createdAt: Timestamp, lastUsedAt: Timestamp })),
    memberships: z.array(
      z.object({ venueId: Uuid, venueName: z.string(), role: z.string(), since: Timestamp }),
    ),
  })
  .meta({ id: 'UserExport' });
export type UserExport = z.infer<typeof UserExport>;

export const exportMe = contract({
  operationId: 'exportMe',
  summary: 'Export all data held about your account',
  service: 'user',
  method: 'GET',
  url: '/v1/users/me/export',
  auth: 'user',
  rateLimit: 'account',
  status: 200,
  response: UserExport,
});

/**
 * The DynamoDB table of accounts: the user service writes it, the forwarder reads it and its stream. An account has at
 * least the fields of `User`; items of other kinds have other keys.
 */
export const usersTable = 'users';

export const accountKeyPrefix = 'user#';
export const accountKey = (id: string) => ({ pk: `${accountKeyPrefix}${id}` });
