/**
 * Words (letters and digits, and @) that secrets and passwords of examples, tutorials and forms are made of, and what fingers find on a keyboard; in small letters. None is made of the digits and letters of hexadecimal numbers alone,
 * but for those that are long: they would be in random ones as well.
 */
export const EXAMPLE_WORDS: readonly string[] = `
  changeme changethis change please replace secret supersecret topsecret password passwort passwd passphrase passw0rd p4ssw0rd p@ssword p@ssw0rd pa55w0rd s3cr3t s3cret
  example sample default placeholder dummy insert enter here your this that these them with without must should shall could will would have least
  long longer very super really quite random generate string value text word some something anything everything nobody the and for not use you our key jwt
  character char letter bits byte sixteen thirty hundred minimum length strong weak secure security insecure unsafe unsecure safe
  token access refresh sign signing signature hs256 hs512 hmac sha256 auth authentication authorization private public shared session cookie crypto encryption hash salt
  admin administrator root user username login guest owner master postgres postgresql mysql mariadb mongo mongodb redis database docker compose kubernetes
  server backend frontend service edgechat chat node nodejs nest nestjs express fastify python flask django fastapi rails spring laravel application program
  test testing demo local localhost develop developer development production prod staging environment variable config settings
  only never ever dont donot keep make sure need using used when what from into because todo fixme foobar hello world welcome letmein lorem ipsum dolor amet
  qwerty qwertz azerty qwertyuiop qwer wert tyui uiop asdf asdfgh asdfghjkl ghjk zxcv zxcvbn zxcvbnm qazwsx edcrfv 1q2w3e 1q2w3e4r 4r5t6y 5t6y7u 7u8i9o q1w2e3 q1w2e3r4
  1qaz 2wsx 4rfv 5tgb rfvtgb 6yhn yhnujm ikolp 7ujm 8ik9 9ol0 monkey dragon iloveyou deadbeef cafebabe correcthorsebatterystaple thequickbrownfoxjumpsoverthelazydog mustermann openssl base64
`
  .trim()
  .split(/\s+/);
