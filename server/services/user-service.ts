export type Role = 'admin' | 'member';

export type User = { id: string; email: string; name: string; role: Role };

export type UserService = {
  /** Gives the user, or undefined for an unknown address, a wrong password or a disabled user: all take the same time. */
  authenticate(email: string, password: string): Promise<User | undefined>;
  find(id: string): Promise<User | undefined>;
  list(): Promise<(User & { createdAt: Date; disabledAt?: Date })[]>;
  /** Errors: InvalidInputError (address, password of 12 to 200 characters, name), ConflictError `email_taken`. */
  create(input: { email: string; name: string; password: string; role: Role }): Promise<User>;
  /** True while no user exists: the set-up page is open. */
  needsSetup(): Promise<boolean>;
  /** Creates the first admin once, guarded by the code printed in the log. Errors: ForbiddenError `setup_code`, ConflictError `setup_done`. */
  setUp(input: { code: string; email: string; name: string; password: string }): Promise<User>;
};
