/** Whether an answer came from the sign-in pages: the session ended, and the browser followed the way there. */
export const isSignIn = (url) => Boolean(url) && new URL(url, location.href).pathname.startsWith("/accounts/");
