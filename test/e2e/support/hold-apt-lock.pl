#!/usr/bin/perl
# Holds dpkg's lock, as a package manager that is at work does (fcntl(2): a lock of flock(1) would not count).
#
#   hold-apt-lock.pl SECONDS
use strict;
use warnings;
use Fcntl qw(F_SETLK F_WRLCK SEEK_SET);

open my $lock, '+>>', '/var/lib/dpkg/lock-frontend' or die "lock-frontend: $!\n";
# struct flock of x86-64 and arm64 Linux: type, whence, start, length, pid
my $whole = pack 's s x4 q q i x4', F_WRLCK, SEEK_SET, 0, 0, 0;
fcntl($lock, F_SETLK, $whole) or die "lock-frontend: $!\n";
print "held\n";
close STDOUT;
sleep $ARGV[0];
