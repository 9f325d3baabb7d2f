# A boot sector that says a word on the first serial port, and stops.
	.code16
	.globl _start
_start:	cld
	xorw %ax, %ax
	movw %ax, %ds
	movw $0x7c00 + word - _start, %si
next:	lodsb
	testb %al, %al
	jz stop
	movb %al, %ah
	movw $0x3fd, %dx	# line status: wait until it takes a byte
wait:	inb %dx, %al
	testb $0x20, %al
	jz wait
	movb %ah, %al
	movw $0x3f8, %dx
	outb %al, %dx
	jmp next
stop:	hlt
	jmp stop
word:	.asciz "\r\nthe next device is started\r\n"
	.org 510
	.word 0xaa55
