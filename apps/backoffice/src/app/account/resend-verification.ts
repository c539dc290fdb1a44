import { inject } from '@angular/core';
import { bodyOf } from '@queue-manager/client/client';
import { newKey } from '@queue-manager/client/new-key';
import { Api } from '../session/api.ts';
import type { SendMail } from './check-mail.ts';

export function injectResendVerification(): SendMail {
  const api = inject(Api);
  return async (email) => {
    const options = { body: { email }, idempotencyKey: newKey() };
    bodyOf('resendVerification', await api.callPublic('resendVerification', options));
  };
}
