import { App, Tags, Validations } from 'aws-cdk-lib';
import * as ecrAssets from 'aws-cdk-lib/aws-ecr-assets';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { AwsSolutionsChecks } from 'cdk-nag';
import type { Construct } from 'constructs';
import { securityHeaders } from '../../services/gateway/src/security-headers.ts';
import { acknowledgeFindings } from './acknowledged.ts';
import { limitForeignLogs } from './log-group.ts';
import { repositoryRoot } from './repository.ts';
import type { Settings } from './settings.ts';
import { DataStack } from './stacks/data-stack.ts';
import { EventsStack } from './stacks/events-stack.ts';
import { GlobalStack } from './stacks/global-stack.ts';
import { NetworkStack } from './stacks/network-stack.ts';
import { PagesStack } from './stacks/pages-stack.ts';
import { SearchStack } from './stacks/search-stack.ts';
import { ServicesStack } from './stacks/services-stack.ts';
import { WatchStack } from './stacks/watch-stack.ts';
import { type BuiltApps, WebStack } from './stacks/web-stack.ts';

export type SystemOptions = {
  settings: Settings;
  apps: BuiltApps;
  /** Where templates and assets go. */
  outdir?: string;
  /** Bundling the functions takes seconds. */
  isBundled?: boolean;
  /** The image of all services; by default built from the repository when it is deployed. */
  image?: (scope: Construct) => ecs.ContainerImage;
};

/** All stacks of an environment, in the order of their deployment. `app.synth()` throws what cdk-nag finds. */
export async function createSystem(options: SystemOptions): Promise<App> {
  const { settings, apps, outdir, isBundled = true, image = builtImage } = options;
  const app = new App({
    ...(outdir ? { outdir } : {}),
    analyticsReporting: false,
    context: {
      // A stack cannot be deleted, nor lose what it exports, while another one uses it.
      '@aws-cdk/core:defaultCrossStackReferences': 'strong',
      ...(isBundled ? {} : { 'aws:cdk:bundling-stacks': [] }),
    },
  });
  const { account, region, prefix } = settings;
  const common = { settings, env: { account, region }, crossRegionReferences: true };
  const id = (name: string) => `${prefix}${name}`;

  const global = new GlobalStack(app, id('global'), {
    ...common,
    env: { account, region: 'us-east-1' },
  });
  const network = new NetworkStack(app, id('network'), common);
  const data = new DataStack(app, id('data'), { ...common, network });
  const events = new EventsStack(app, id('events'), common);
  const web = new WebStack(app, id('web'), {
    ...common,
    network,
    global,
    apps,
    securityHeaders: await securityHeaders(),
  });
  const services = new ServicesStack(app, id('services'), {
    ...common,
    network,
    data,
    events,
    web,
    image,
  });
  const functions = new Map<string, IFunction>(services.functions);
  if (settings.openSearch) {
    const search = new SearchStack(app, id('search'), {
      ...common,
      network,
      logGroups: services.logGroups,
    });
    functions.set('ship-logs', search.shipping);
  }
  const pages = new PagesStack(app, id('pages'), { ...common, web, apps });
  pages.addStackDependency(services);
  new WatchStack(app, id('watch'), {
    ...common,
    data,
    events,
    web,
    services,
    functions,
  });

  limitForeignLogs(app, settings);
  Tags.of(app).add('system', 'queue-manager');
  Tags.of(app).add('environment', settings.environment);
  acknowledgeFindings(app, settings);
  Validations.of(app).addPlugins(new AwsSolutionsChecks());
  return app;
}

function builtImage(scope: Construct): ecs.ContainerImage {
  return ecs.ContainerImage.fromDockerImageAsset(
    new ecrAssets.DockerImageAsset(scope, 'Image', {
      directory: repositoryRoot,
      platform: ecrAssets.Platform.LINUX_ARM64,
    }),
  );
}
