# A stand-in for pxeboot.n12, loaded at 0:7C00 by a PXE ROM (PXE 2.1 section 4.4.5): asks by
# TFTP for bootmgr.exe beside its own name, with its backslashes, as the real one is known
# to, and says on the first serial port what came of it.
	.code16
	.globl _start
	.set cached_info, 0x71
	.set tftp_open, 0x20
	.set tftp_read, 0x22
_start:	cld
	xorw %ax, %ax
	movw %ax, %ds
	movl %es:10(%bx), %eax		# ES:BX is PXENV+: its entry
	movl %eax, entry
	xorw %ax, %ax
	movw %ax, %es
	movw $hello, %si
	call say
	movw $cached_info, %bx
	movw $info, %di
	call pxe
	movw info+6, %si		# the reply with the boot file
	movw info+8, %ds
	movl 20(%si), %eax		# siaddr
	movl %eax, %es:open+2
	addw $108, %si			# file
	movw $open+10, %di
	movw $128, %cx
	rep movsb
	xorw %ax, %ax
	movw %ax, %ds
	movw $open+10, %si		# behind its last backslash goes the other name
	movw %si, %di
1:	lodsb
	testb %al, %al
	jz 2f
	cmpb $'\\', %al
	jne 1b
	movw %si, %di
	jmp 1b
2:	movw $other, %si
	movw $other_end - other, %cx
	rep movsb
	movw $open+10, %si
	call say
	movw $tftp_open, %bx
	movw $open, %di
	call pxe
	movw $tftp_read, %bx
	movw $read, %di
	call pxe
	movw $has, %si
	call say
stop:	hlt
	jmp stop
pxe:	lcall *entry
	testw %ax, %ax
	jnz 3f
	ret
3:	movw $hasnot, %si
	call say
	jmp stop
say:	lodsb
	testb %al, %al
	jz 5f
	movb %al, %ah
	movw $0x3fd, %dx		# line status: wait until it takes a byte
4:	inb %dx, %al
	testb $0x20, %al
	jz 4b
	movb %ah, %al
	movw $0x3f8, %dx
	outb %al, %dx
	jmp say
5:	ret
hello:	.asciz "\r\nstand-in: asks for "
has:	.asciz ", and has it\r\n"
hasnot:	.asciz ", and has it not\r\n"
other:	.asciz "bootmgr.exe"
other_end:
	.balign 4
entry:	.long 0
info:	.word 0, 3, 0, 0, 0, 0		# the cached reply, where it lies
open:	.word 0
	.fill 8 + 128, 1, 0
	.word 0x4500, 1456		# port 69, bytes of a block
read:	.word 0, 0, 1456, 0x8000, 0
