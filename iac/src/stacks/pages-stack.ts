import { Stack, type StackProps } from 'aws-cdk-lib';
import * as deployment from 'aws-cdk-lib/aws-s3-deployment';
import type { Construct } from 'constructs';
import { revalidated } from '../../../services/gateway/src/page-policies.ts';
import { type BuiltApps, type WebStack, withoutCopies } from './web-stack.ts';

/**
 * The pages themselves, and the files that keep their names: service workers, manifests, icons. They come last, since a
 * new page may call what the services before did not have.
 */
export class PagesStack extends Stack {
  constructor(
    scope: Construct,
    id: string,
    props: StackProps & { web: WebStack; apps: BuiltApps },
  ) {
    super(scope, id, props);
    const { web, apps } = props;
    const pages = {
      prune: false,
      // CloudFront keeps it for a second, the least of its policy, and asks again: nothing has to be invalidated.
      cacheControl: [deployment.CacheControl.fromString(revalidated)],
    };
    new deployment.BucketDeployment(this, 'Customer', {
      ...pages,
      sources: [deployment.Source.asset(apps.customer, withoutCopies)],
      destinationBucket: web.buckets.customer,
      exclude: ['assets/*'],
    });
    new deployment.BucketDeployment(this, 'Backoffice', {
      ...pages,
      sources: [deployment.Source.asset(apps.backoffice, withoutCopies)],
      destinationBucket: web.buckets.backoffice,
      destinationKeyPrefix: 'backoffice',
      // The gateway sends the page, with a nonce.
      exclude: ['*-????????.js', '*-????????.css', 'media/*', 'index.html'],
    });
  }
}
