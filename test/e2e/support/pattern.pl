#!/usr/bin/perl
# Holds a pattern that is another in every page, and says whether all of it is still there. perl-base only.
#
#   pattern.pl MIB FILE     FILE gets "holding MIB" once all is written, and after each SIGUSR1 "intact SUM", or
#                           "page N differs" of the first that does
use strict;
use warnings;

my ($mib, $file) = @ARGV;
die "usage: pattern.pl MIB FILE\n" unless defined $file && $mib =~ /^[1-9]\d*$/;
my $pages = $mib * 256;
my $asked = 0;
$SIG{USR1} = sub { $asked = 1 };

my $held = '';
vec($held, $pages * 4096 - 1, 8) = 0;
substr($held, $_ * 4096, 4096, page($_)) for 0 .. $pages - 1;
answer("holding $mib");

while (1) {
    # Bounded, because a signal just before it would otherwise wait for the next.
    select undef, undef, undef, 0.2 unless $asked;
    next unless $asked;
    $asked = 0;
    answer(check());
}

sub page { return pack('N', ($_[0] * 2654435761) & 0xffffffff) x 1024 }

sub check {
    my $sum = 0;
    for my $number (0 .. $pages - 1) {
        my $found = substr $held, $number * 4096, 4096;
        return "page $number differs" if $found ne page($number);
        $sum = ($sum + unpack '%32N*', $found) & 0xffffffff;
    }
    return "intact $sum";
}

sub answer {
    open my $out, '>', "$file.new" or die "$file.new: $!\n";
    print $out "$_[0]\n";
    close $out or die "$file.new: $!\n";
    rename "$file.new", $file or die "$file: $!\n";
}
