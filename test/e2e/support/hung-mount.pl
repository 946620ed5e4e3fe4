#!/usr/bin/perl
# Mounts a filesystem that never answers, as a network filesystem does whose server is gone: FUSE's kernel side without
# anybody behind it. It is unmounted when this ends.
#
#   hung-mount.pl FOLDER [SECONDS]      default 300, at most 600
use strict;
use warnings;

my ($folder, $seconds) = (@ARGV, 300);
die "usage: hung-mount.pl FOLDER [SECONDS]\n" unless defined $folder && -d $folder && $seconds =~ /^\d+$/;
$seconds = 600 if $seconds > 600;

use constant { SYS_MOUNT => 165, SYS_UMOUNT2 => 166, MNT_DETACH => 2 };
my $ended = 0;
$SIG{$_} = sub { $ended = 1 } for qw(TERM INT ALRM);
open my $device, '+<', '/dev/fuse' or die "/dev/fuse: $!\n";
my $options = 'fd=' . fileno($device) . ',rootmode=40000,user_id=0,group_id=0,allow_other';
my ($source, $type) = ('hung', 'fuse');
syscall(SYS_MOUNT, $source, $folder, $type, 0, $options) == 0 or die "mount: $!\n";
print "mounted\n";
alarm $seconds;
select undef, undef, undef, 1 until $ended;
syscall(SYS_UMOUNT2, $folder, MNT_DETACH);
