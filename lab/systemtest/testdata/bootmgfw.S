# A stand-in for bootmgfw.efi: a PE file that asks by the firmware's PXE base code protocol
# (UEFI 2.10 section 24.3) for the path of option 252, as the real one is known to, and
# says on the first serial port what came of it.
	.globl _start
	.set section, 0x1000
_start:
image:	.ascii "MZ"
	.org 0x3c
	.long pe - image
pe:	.ascii "PE\0\0"
	.word 0x8664, 1			# x64, one section
	.long 0, 0, 0
	.word sections - optional, 0x22	# executable, large addresses
optional:
	.word 0x20b, 0			# PE32+
	.long end - code, 0, 0, code - image, section
	.quad 0				# anywhere
	.long section, 0x200, 0, 0, 0, 0
	.long 0x2000, section, 0	# bytes of the image and of the headers
	.word 10, 0			# EFI application
	.quad 0, 0, 0, 0
	.long 0, 6
	.fill 6, 8, 0
sections:
	.ascii ".text\0\0\0"
	.long 0x1000, section, end - code, code - image
	.long 0, 0, 0, 0xe0000020
	.org section
code:	pushq %rbx
	pushq %rsi
	pushq %rdi
	subq $0x80, %rsp
	movq 0x60(%rdx), %rbx		# boot services
	leaq loaded(%rip), %rdx
	leaq found(%rip), %r8
	call *0x98(%rbx)		# HandleProtocol
	movq found(%rip), %rax
	movq 0x18(%rax), %rcx		# the device that this came from
	leaq basecode(%rip), %rdx
	leaq found(%rip), %r8
	call *0x98(%rbx)
	leaq hello(%rip), %rsi
	call say
	testq %rax, %rax
	jnz no
	movq found(%rip), %rcx
	movq 0x68(%rcx), %rdi		# its mode: the packets that it kept
	leaq 5940(%rdi), %rsi		# PxeReply, ProxyOffer, DhcpAck
	call option252
	leaq 2996(%rdi), %rsi
	call option252
	leaq 1524(%rdi), %rsi
	call option252
	jmp no
option252:				# the caller's packet is at rsi; back if it has none
	leaq 240(%rsi), %rax
1:	movzbl (%rax), %edx
	incq %rax
	testl %edx, %edx
	jz 1b
	cmpl $255, %edx
	je 2f
	movzbl (%rax), %ecx
	incq %rax
	cmpl $252, %edx
	je 3f
	addq %rcx, %rax
	leaq 1400(%rsi), %rdx
	cmpq %rdx, %rax
	jb 1b
2:	ret
3:	popq %rdx			# not back
	movl 20(%rsi), %edx		# siaddr
	movl %edx, server(%rip)
	leaq name(%rip), %rdx
4:	movb (%rax), %r8b		# the path, as long as the option says
	movb %r8b, (%rdx)
	incq %rax
	incq %rdx
	decl %ecx
	jnz 4b
	leaq name(%rip), %rsi
	call say
	movq found(%rip), %rcx
	movl $2, %edx			# read the file: all that iPXE's has
	leaq buffer(%rip), %r8
	xorl %r9d, %r9d
	leaq size(%rip), %rax
	movq %rax, 0x20(%rsp)
	movq $0, 0x28(%rsp)
	leaq server(%rip), %rax
	movq %rax, 0x30(%rsp)
	leaq name(%rip), %rax
	movq %rax, 0x38(%rsp)
	movq $0, 0x40(%rsp)
	movq $0, 0x48(%rsp)
	call *0x28(%rcx)		# Mtftp
	testq %rax, %rax
	jnz no
	leaq has(%rip), %rsi
	jmp last
no:	leaq hasnot(%rip), %rsi
last:	call say
	addq $0x80, %rsp
	popq %rdi
	popq %rsi
	popq %rbx
	xorl %eax, %eax
	ret
say:	pushq %rax
5:	lodsb
	testb %al, %al
	jz 7f
	movb %al, %ah
	movl $0x3fd, %edx		# line status: wait until it takes a byte
6:	inb %dx, %al
	testb $0x20, %al
	jz 6b
	movb %ah, %al
	movl $0x3f8, %edx
	outb %al, %dx
	jmp 5b
7:	popq %rax
	ret
	.balign 16
loaded:	.long 0x5b1b31a1
	.word 0x9562, 0x11d2
	.byte 0x8e, 0x3f, 0x00, 0xa0, 0xc9, 0x69, 0x72, 0x3b
basecode:
	.long 0x03c4e603
	.word 0xac28, 0x11d3
	.byte 0x9a, 0x2d, 0x00, 0x90, 0x27, 0x3f, 0xc1, 0x4d
found:	.quad 0
size:	.quad buffer_end - buffer
server:	.quad 0, 0
name:	.fill 256, 1, 0
buffer:	.fill 1024, 1, 0
buffer_end:
hello:	.asciz "\r\nstand-in: asks for "
has:	.asciz ", and has it\r\n"
hasnot:	.asciz ", and has it not\r\n"
	.balign 0x200
end:
