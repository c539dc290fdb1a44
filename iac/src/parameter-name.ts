/** Where the value of a secret is in Parameter Store, as a SecureString. */
export const parameterName = (environment: string, secret: string) =>
  `/queue-manager/${environment}/${secret}`;
