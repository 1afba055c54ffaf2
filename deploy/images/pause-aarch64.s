// A sandbox's process: holds the namespaces, reaps what dies in them, ends at once on SIGTERM or SIGINT.
//   as pause-aarch64.s -o p.o && objcopy -O binary -j .text p.o p.bin && xxd -p -c 32 p.bin
_start:                        // rt_sigprocmask(SIG_BLOCK, all, NULL, 8)
  mov x8, 135
  mov x0, 0
  adr x1, all
  mov x2, 0
  mov x3, 8
  svc 0
wait:                          // rt_sigtimedwait(all, NULL, NULL, 8)
  mov x8, 137
  adr x0, all
  mov x1, 0
  mov x2, 0
  mov x3, 8
  svc 0
  cmp x0, 17
  b.eq reap
  cmp x0, 15
  b.eq end
  cmp x0, 2
  b.ne wait
end:                           // exit(0)
  mov x8, 93
  mov x0, 0
  svc 0
reap:                          // while wait4(-1, NULL, WNOHANG, NULL) > 0
  mov x8, 260
  mov x0, -1
  mov x1, 0
  mov x2, 1
  mov x3, 0
  svc 0
  cmp x0, 0
  b.gt reap
  b wait
all: .quad -1
