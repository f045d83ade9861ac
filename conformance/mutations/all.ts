import { coreMutations } from './core.ts';
import { modelMutations } from './model.ts';
import type { Mutation } from './mutation.ts';
import { tagMutations } from './tags.ts';
import { wireMutations } from './wire.ts';

export const mutations: readonly Mutation[] = [...coreMutations, ...tagMutations, ...wireMutations, ...modelMutations];
